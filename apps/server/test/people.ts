import { expectStatus, type Reply, type TestNode } from './node.ts'

export const PASSWORD = 'a kettle on the moon'

/** Somebody who is signed in. */
export type Person = {
  email: string
  memberId: string
  tenantId: string
  accessToken: string
  refreshToken: string
}

let made = 0

/** Signs up somebody new, as the owner of a tenant of their own. */
export async function newPerson(node: TestNode, more: object = {}): Promise<Person> {
  made += 1
  const wanted = { email: `person${made}@example.com`, password: PASSWORD, name: 'Pat', ...more }
  const { body } = expectStatus(await node.call('POST', '/auth/signup', null, wanted), 201)
  return { ...personOf(body), email: wanted.email }
}

/** One more session of the same person. */
export async function signedInAgain(node: TestNode, person: Person): Promise<Person> {
  const { body } = expectStatus(await logIn(node, person.email), 200)
  return { ...person, accessToken: body.access_token, refreshToken: body.refresh_token }
}

export function logIn(node: TestNode, email: string, password = PASSWORD): Promise<Reply> {
  return node.call('POST', '/auth/login', null, { email, password })
}

function personOf(body: Record<string, string>): Omit<Person, 'email'> {
  return {
    memberId: body.member_id!,
    tenantId: body.tenant_id!,
    accessToken: body.access_token!,
    refreshToken: body.refresh_token!,
  }
}
