// Plain JavaScript without dependencies: it runs on the Node that the machine happens to have, before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withInstallLock } from './install-lock.mjs'
import { showProgress } from './progress.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const pinnedNode = join(root, 'node_modules/node/bin/node')

const NODE_MAJOR_MIN = 20
const OUTPUT_BYTES_KEPT = 64 * 1024
const STAMP = join(root, 'node_modules/.tollgate-installed')

/** Installs what package-lock.json says, unless that is what is installed already. Throws an Error whose message is for the user. */
export async function ensureInstalled({ quiet = false } = {}) {
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
    throw new Error(
      `Tollgate needs Node.js ${NODE_MAJOR_MIN} or later to start; this is ${process.version}.`,
    )
  }
  const wanted = fingerprint()
  if (isInstalled(wanted)) return
  await withInstallLock(root, async (recordInstaller) => {
    if (isInstalled(wanted)) return
    if (!isInstalledByHand()) await install({ quiet, recordInstaller })
    await ensurePinnedNode({ quiet })
    writeFileSync(STAMP, `${wanted}\n`)
  })
}

/** Changes with every file that says what to install, and with the machine when the folder is moved to another. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\n`)
  const files = ['package-lock.json', 'package.json']
  for (const parent of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, parent)).sort()) {
      files.push(join(parent, name, 'package.json'))
    }
  }
  for (const file of files) {
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file))).update('\0')
  }
  return hash.digest('hex')
}

function isInstalled(wanted) {
  try {
    return readFileSync(STAMP, 'utf8').trim() === wanted && existsSync(pinnedNode)
  } catch {
    return false
  }
}

/** npm keeps a lock file of what it put there: somebody who typed `npm ci` does not wait for another. */
function isInstalledByHand() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
    const present = JSON.parse(
      readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8'),
    ).packages
    return Object.entries(wanted).every(([path, { version, optional }]) => {
      if (!path.startsWith('node_modules/')) return true
      const found = present[path]
      return found === undefined ? optional === true : found.version === version
    })
  } catch {
    return false
  }
}

async function install({ quiet, recordInstaller }) {
  // What a newcomer set for other projects must not leave out the half of this one.
  const args = ['ci', '--include=dev', '--include=optional', '--engine-strict=false']
  const progress = showProgress('Installing (only when something is missing)', quiet)
  const { code, output } = await runNpm(args, recordInstaller).finally(() => progress.end())
  if (code === 0) return
  throw new Error(
    `"npm ci" failed (exit code ${code}):\n\n${withoutWarnings(output)}\n\nNode.js ${process.versions.node} in ${root}. When that is settled, start again.`,
  )
}

function runNpm(args, recordInstaller) {
  // The npm that started us, when one did: the one in PATH can be another.
  const own = process.env.npm_execpath?.endsWith('.js') ? process.env.npm_execpath : undefined
  const [command, first] = own === undefined ? ['npm', []] : [process.execPath, [own]]
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && own === undefined,
    })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_BYTES_KEPT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    if (child.pid !== undefined) recordInstaller(child.pid)
    child.once('error', (error) => {
      reject(new Error(`npm could not be started: ${error.message}. Install npm 10 or later.`))
    })
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }))
  })
}

function withoutWarnings(output) {
  const lines = output.trim().split('\n')
  const telling = lines.filter((line) => !/^npm (warn|WARN)\b/.test(line))
  return (telling.length === 0 ? lines : telling).join('\n')
}

/** npm may refuse install scripts, and that of the `node` package is what puts the pinned Node in its place. */
async function ensurePinnedNode({ quiet }) {
  const folder = join(root, 'node_modules/node')
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (pinnedNodeVersion() === `v${version}`) return
  const progress = showProgress(`Getting Node.js ${version}`, quiet)
  // `npm test` runs this on the pinned Node once there is one, and an installation has just deleted that.
  const node = existsSync(process.execPath) ? process.execPath : 'node'
  const setup = spawn(node, ['installArchSpecificPackage.js'], {
    cwd: folder,
    stdio: 'ignore',
  })
  await new Promise((resolve) => {
    setup.once('error', resolve)
    setup.once('close', resolve)
  })
  progress.end()
  if (pinnedNodeVersion() === `v${version}`) return
  throw new Error(
    `Node.js ${version}, which Tollgate runs on, could not be installed for ${process.platform}-${process.arch}. To see why, type: cd ${folder} && node installArchSpecificPackage.js`,
  )
}

function pinnedNodeVersion() {
  return spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? null
}
