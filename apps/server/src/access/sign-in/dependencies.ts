import type { Settings } from '../../lib/settings.ts'
import type { Directory } from '../directory.ts'
import type { Lockout } from '../lockout.ts'
import type { TenantDependencies } from '../tenants.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { Passwords } from './passwords.ts'

export type SignInDependencies = TenantDependencies & {
  directory: Directory
  passwords: Passwords
  tokens: AccessTokens
  lockout: Lockout
  settings: Settings
}
