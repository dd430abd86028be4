import type { Credential } from './api-credentials.ts'
import type { Sent } from './api-request.ts'

/** A request that succeeds for who may send it; `bearer`: in place of the credential's own. */
export type Operation = {
  ok: number
  request(as: Credential): Promise<Sent & { bearer?: string }>
}

type Asked = (as: Credential) => Promise<[path: string, body: unknown]>

export function get(path: string): Operation {
  return { ok: 200, request: async () => ({ method: 'GET', path }) }
}

export function post(ok: number, asked: Asked): Operation {
  return writing('POST', ok, asked)
}

export function put(ok: number, asked: Asked): Operation {
  return writing('PUT', ok, asked)
}

export function patch(ok: number, asked: Asked): Operation {
  return writing('PATCH', ok, asked)
}

export function remove(ok: number, pathFor: (as: Credential) => Promise<string>): Operation {
  return { ok, request: async (as) => ({ method: 'DELETE', path: await pathFor(as) }) }
}

function writing(method: string, ok: number, asked: Asked): Operation {
  return {
    ok,
    request: async (as) => {
      const [path, body] = await asked(as)
      return { method, path, body }
    },
  }
}
