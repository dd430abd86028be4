import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const CLAIM = /^\.installing-(\d+)$/
const WAIT_MS = 200
const WAIT_MS_MAX = 10 * 60_000

/**
 * Runs `work` while no other command installs in this folder; waits for one that does. `work` is given
 * a function for the pid of the installer it starts, which can outlive us and must be waited for too.
 *
 * Each process claims with a file of its own name, so a claim of the dead can be removed by anyone.
 */
export async function withInstallLock(root, work) {
  const mine = join(root, `.installing-${process.pid}`)
  const release = () => rmSync(mine, { force: true })
  const deadline = Date.now() + WAIT_MS_MAX
  while (true) {
    writeFileSync(mine, '')
    const other = livingClaim(root, mine)
    if (other === undefined) break
    release()
    if (Date.now() > deadline) {
      throw new Error(
        `Another command is installing (process ${other}) and does not end. Stop it, then start again.`,
      )
    }
    await sleep(WAIT_MS * (1 + Math.random()))
  }
  process.once('exit', release)
  try {
    return await work((pid) => writeFileSync(mine, String(pid)))
  } finally {
    process.off('exit', release)
    release()
  }
}

function livingClaim(root, mine) {
  for (const name of readdirSync(root)) {
    const path = join(root, name)
    const holder = CLAIM.exec(name)?.[1]
    if (holder === undefined || path === mine) continue
    const installer = readOrEmpty(path)
    const alive = [holder, installer].map(Number).find((pid) => pid > 0 && isAlive(pid))
    if (alive !== undefined) return alive
    rmSync(path, { force: true })
  }
  return undefined
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
