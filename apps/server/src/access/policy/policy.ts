import { readFile } from 'node:fs/promises'
import { type Enforcer, newEnforcer, newModelFromString, StringAdapter } from 'casbin'
import type { Permission, Role } from '../../lib/caller.ts'

export type PolicyRow = Permission & { readonly role: Role }

/** Who may do what, as policy.csv says. Decided by Casbin, once per role, object and action. */
export class Policy {
  private readonly decided = new Map<string, boolean>()
  private readonly enforcer: Enforcer
  /** As written, in order. */
  readonly rows: readonly PolicyRow[]

  private constructor(enforcer: Enforcer, rows: readonly PolicyRow[]) {
    this.enforcer = enforcer
    this.rows = rows
  }

  static async load(): Promise<Policy> {
    const [model, rows] = await Promise.all(['model.conf', 'policy.csv'].map(readBeside))
    const enforcer = await newEnforcer(newModelFromString(model!), new StringAdapter(rows!))
    const policy = await enforcer.getPolicy()
    return new Policy(
      enforcer,
      policy.map(([role, object, action]) => ({ role, object, action }) as PolicyRow),
    )
  }

  /** Whether one of the roles may; what everybody may needs no role. */
  permits(roles: readonly Role[], permission: Permission): boolean {
    return this.permitsRole('anyone', permission) || this.permitsSome(roles, permission)
  }

  /** Whether a request without a key or token may. */
  isPublic(permission: Permission): boolean {
    return this.permitsRole('anyone', permission)
  }

  /** The roles that may, in the order of the policy. */
  rolesThatMay({ object, action }: Permission): string[] {
    return this.rows
      .filter((row) => row.object === object && row.action === action)
      .map(({ role }) => role)
  }

  private permitsSome(roles: readonly Role[], permission: Permission): boolean {
    return roles.some((role) => this.permitsRole(role, permission))
  }

  private permitsRole(role: Role, { object, action }: Permission): boolean {
    const question = `${role} ${object} ${action}`
    let decision = this.decided.get(question)
    if (decision === undefined) {
      decision = this.enforcer.enforceSync(role, object, action)
      this.decided.set(question, decision)
    }
    return decision
  }
}

function readBeside(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), 'utf8')
}
