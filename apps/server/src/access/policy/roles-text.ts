import type { PolicyRow } from './policy.ts'

/** What an operation does to what, as its `x-access` says: `usage:read`. */
export type OperationAccess = { readonly operation: string; readonly access: string }

/** ROLES.md: the policy as a table, and which operations ask for what. */
export function rolesText(
  rows: readonly PolicyRow[],
  operations: readonly OperationAccess[],
): string {
  const roles = [...new Set(rows.map(({ role }) => role))]
  const permissions = [...new Set(rows.map(nameOf))]
  const may = new Set(rows.map((row) => `${row.role} ${nameOf(row)}`))
  const permitted = permissions.map((permission) => [
    permission,
    ...roles.map((role) => (may.has(`${role} ${permission}`) ? '✓' : '')),
  ])
  const asked = permissions.map((permission) => {
    const names = operations
      .filter(({ access }) => access === permission)
      .map(({ operation }) => `\`${operation}\``)
    return `- ${permission}: ${names.join(', ')}`
  })
  return [
    INTRODUCTION,
    table(['', ...roles], permitted),
    '## What asks for it',
    asked.join('\n'),
  ].join('\n\n')
}

const INTRODUCTION = `# Who may do what

Written by \`npm run tollgate -- roles\` from [policy.csv](policy.csv) and the routes, and compared in CI: change those, not this.

\`anyone\` is who comes without a key or token; \`person\` is whoever signed in, whatever their role. \`admin\` and \`support\` are the operator's, and an operator key is an \`admin\`. \`owner\`, \`developer\`, \`finance\` and \`viewer\` are a tenant's people and \`key_…\` its keys by their scopes: all of them of their own tenant only. A \`service\` reports for any tenant. What has no ✓ is refused.`

function nameOf({ object, action }: PolicyRow): string {
  return `${object}:${action}`
}

/** Padded as the formatter pads tables. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((cells) => cells[column]!.length)),
  )
  const line = (cells: readonly string[], filler = ' ') =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!, filler)).join(' | ')} |`
  const rule = head.map(() => '')
  return [line(head), line(rule, '-'), ...rows.map((cells) => line(cells))].join('\n')
}
