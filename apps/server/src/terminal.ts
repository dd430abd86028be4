export type Welcome = { address: string; operatorKey: string | null; demoKey: string | null }

/** What a person at a terminal is shown; logs go elsewhere. */
export type Terminal = {
  progress(message: string): void
  welcome(what: Welcome): void
}

export function openTerminal(out: NodeJS.WriteStream): Terminal {
  return {
    progress(message) {
      if (out.isTTY) out.write(`\r\x1b[2K${message} …`)
    },
    welcome(what) {
      if (out.isTTY) out.write('\r\x1b[2K')
      out.write(`${welcomeText(what)}\n`)
    },
  }
}

export function welcomeText({ address, operatorKey, demoKey }: Welcome): string {
  const lines = ['', `Tollgate runs at ${address}  (documentation: ${address}/docs)`, '']
  lines.push(
    operatorKey === null
      ? 'Operator key: the one you have (set TOLLGATE_OPERATOR_KEY to replace it)'
      : `Operator key: ${operatorKey}  (shown once; only its hash is kept)`,
  )
  if (demoKey !== null)
    lines.push(`Demo tenant:  demo, with the key ${demoKey}`, ...tryIt(address, demoKey))
  return [...lines, ''].join('\n')
}

function tryIt(address: string, key: string): string[] {
  const authorization = `-H 'authorization: Bearer ${key}'`
  const event = `{"service_name":"notes-api","endpoint":"/notes","method":"POST"}`
  return [
    '',
    'Track a call: it is allowed, charged and counted.',
    `  curl ${address}/api/track ${authorization} -H 'content-type: application/json' -d '${event}'`,
    'See what it costs:',
    `  curl ${address}/api/billing/current ${authorization}`,
  ]
}
