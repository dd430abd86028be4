import type { Tasks } from '../db/jobs.ts'
import type { Lockout } from './lockout.ts'
import { type MemberTaskDependencies, memberTasks } from './members/tasks.ts'
import { type SignInTaskDependencies, signInTasks } from './sign-in/tasks.ts'
import { unlockTasks } from './unlock/unlock.ts'

/** What this room has done later, by whichever node is free. */
export function accessTasks(
  deps: SignInTaskDependencies & MemberTaskDependencies & { lockout: Lockout },
): Tasks {
  return { ...signInTasks(deps), ...memberTasks(deps), ...unlockTasks(deps) }
}
