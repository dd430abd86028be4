import { hash } from '@node-rs/argon2'
import type { MemberRole, StaffRole } from '@tollgate/contract'
import { expectStatus, type TestNode } from './node.ts'
import { logIn, PASSWORD } from './people.ts'

export type Member = {
  memberId: string
  email: string
  accessToken: string
  refreshToken: string
}

let hashed: Promise<string> | null = null
let made = 0

/** Somebody of a role who is there already and signs in. Without a tenant: one of the operator's people. */
export async function signedIn(
  node: TestNode,
  role: MemberRole | StaffRole,
  tenantId: string | null = null,
): Promise<Member> {
  made += 1
  const email = `${role}-${process.pid}-${made}@example.com`
  hashed ??= hash(PASSWORD)
  const { rows } = await node.server.pool.query<{ member_id: string }>(
    `INSERT INTO member (member_id, tenant_no, email, name, role, password_hash, email_verified_at)
     VALUES ($1, (SELECT tenant_no FROM tenant WHERE tenant_id = $2), $3, $4, $5, $6, now())
     RETURNING member_id`,
    [`mem_test${process.pid}n${made}`, tenantId, email, `The ${role}`, role, await hashed],
  )
  return { memberId: rows[0]!.member_id, ...(await signInAs(node, email)) }
}

export async function signInAs(node: TestNode, email: string): Promise<Omit<Member, 'memberId'>> {
  const { body } = expectStatus(await logIn(node, email), 200)
  return { email, accessToken: body.access_token, refreshToken: body.refresh_token }
}
