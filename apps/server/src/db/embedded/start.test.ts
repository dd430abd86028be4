import assert from 'node:assert/strict'
import { chmod, cp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  cannotReachCheckout,
  clusterOf,
  isRoot,
  ordinaryUser,
  query,
  spawnTollgate,
  startTollgate,
  testFolder,
  type User,
  until,
} from '../../../test/embedded.ts'
import { processStart } from './process-identity.ts'
import { runCommand } from './run-command.ts'

const ordinary = ordinaryUser()
const rootOnly = { skip: isRoot ? false : 'needs root' }

const usable = async (t: TestContext, user: User | undefined) => {
  const folder = testFolder(t, user)
  const first = await startTollgate(t, folder, { user })
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  assert.equal(await first.stop(), 0)

  const second = await startTollgate(t, folder, { user })
  assert.deepEqual(await query(second.url, 'SELECT answer FROM kept'), [{ answer: 42 }])
  const [settings] = await query(
    second.url,
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
            current_setting('listen_addresses') AS host, current_setting('unix_socket_directories') AS sockets,
            current_setting('server_encoding') AS encoding`,
  )
  assert.deepEqual(settings, {
    fsync: 'on',
    commit: 'on',
    host: '127.0.0.1',
    sockets: '',
    encoding: 'UTF8',
  })
  assert.equal(await second.stop(), 0)
}

test('a new folder gets a durable database, and the next start finds what it holds', (t) =>
  usable(t, undefined))

test(
  'the same for an ordinary user, who needs nothing of root',
  {
    skip: ordinary === null ? 'this is the ordinary user' : cannotReachCheckout(ordinary),
  },
  (t) => usable(t, ordinary ?? undefined),
)

test('the password is in one file that only its owner may read, and opens nothing without it', async (t) => {
  const folder = testFolder(t)
  const tollgate = await startTollgate(t, folder)
  const url = new URL(tollgate.url)
  const { mode } = await stat(join(folder.dataDir, 'postgres.password'))
  assert.equal(mode & 0o777, 0o600)
  const { output } = await runCommand(
    'grep',
    ['-rlF', '-e', url.password, dirname(folder.dataDir)],
    null,
  )
  assert.equal(output.trim(), join(folder.dataDir, 'postgres.password'))
  url.password = 'wrong'
  await assert.rejects(query(url.href, 'SELECT 1'), { code: '28P01' })
  await tollgate.stop()
})

test('variables for another PostgreSQL do not lead this one astray', async (t) => {
  const folder = testFolder(t)
  const env = { PGDATA: '/nowhere', PGPORT: '1', PGHOST: '203.0.113.1', PGUSER: 'other' }
  const tollgate = await startTollgate(t, folder, { env: { ...env, PGSSLMODE: 'require' } })
  await query(tollgate.url, 'SELECT 1')
  await tollgate.stop()
})

test('an initialisation that was killed in the middle is made again', async (t) => {
  const folder = testFolder(t)
  const killed = spawnTollgate(t, folder)
  const staging = await until('initdb to write', async () => {
    const names = await readdir(folder.dataDir).catch(() => [] as string[])
    const name = names.find((each) => each.startsWith('postgres.making-'))
    if (name === undefined) return null
    const made = await readdir(join(folder.dataDir, name, 'data')).catch(() => [] as string[])
    return made.includes('PG_VERSION') ? name : null
  })
  killed.kill('SIGKILL')

  const tollgate = await startTollgate(t, folder)
  await query(tollgate.url, 'SELECT 1')
  await tollgate.stop()
  assert.ok(!(await readdir(folder.dataDir)).includes(staging), 'what was left is removed')
})

test('a database that looks incomplete is refused and kept, never made anew', async (t) => {
  const folder = testFolder(t)
  await (await startTollgate(t, folder)).stop()
  const cluster = clusterOf(folder.dataDir)
  await unlink(join(cluster, 'PG_VERSION'))
  await assert.rejects(startTollgate(t, folder), {
    name: 'EmbeddedPostgresError',
    message: /is not a complete PostgreSQL database.*Restore it from your backup/,
  })
  assert.ok((await readdir(cluster)).includes('base'))
})

test('a lost password file is named', async (t) => {
  const folder = testFolder(t)
  await (await startTollgate(t, folder)).stop()
  await unlink(join(folder.dataDir, 'postgres.password'))
  await assert.rejects(startTollgate(t, folder), /postgres\.password is missing.*Restore it/)
})

test('a start that fails says what PostgreSQL said', async (t) => {
  const folder = testFolder(t)
  await assert.rejects(startTollgate(t, folder, { settings: { shared_buffers: 'plenty' } }), {
    name: 'EmbeddedPostgresError',
    message: /did not start[\s\S]*invalid value for parameter "shared_buffers": "plenty"/,
  })
  await (await startTollgate(t, folder)).stop()
})

test('a path with spaces and quotes is a path', async (t) => {
  const folder = testFolder(t)
  const odd = { ...folder, dataDir: join(folder.dataDir, `my "data" it's $HOME`) }
  const first = await startTollgate(t, odd)
  const server = first.postmasterPid()
  await first.kill()
  const second = await startTollgate(t, odd)
  await query(second.url, 'SELECT 1')
  await second.stop()
  assert.equal(await processStart(server), null, 'what the killed one left does not run on')
})

test('a folder that may not be used is named', async (t) => {
  const { dataDir, sharedDir } = testFolder(t)
  await writeFile(dataDir, 'not a folder')
  const below = join(dataDir, 'data')
  await assert.rejects(startTollgate(t, { dataDir: below, sharedDir }), {
    name: 'EmbeddedPostgresError',
    message: `The data folder ${below} cannot be used (ENOTDIR). Start Tollgate as the user that made it, or set TOLLGATE_DATA_DIR to a folder of your own.`,
  })
})

test(
  'below a folder that only root may enter, the database lies elsewhere and a note says where',
  rootOnly,
  async (t) => {
    const folder = await closedFolder(t)
    const first = await startTollgate(t, folder)
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    const cluster = clusterOf(folder.dataDir)
    assert.ok(cluster.startsWith(folder.sharedDir))
    assert.match(
      await readFile(join(folder.dataDir, 'postgres-location.txt'), 'utf8'),
      /lies there/,
    )

    const second = await startTollgate(t, folder)
    assert.deepEqual(await query(second.url, 'SELECT answer FROM kept'), [{ answer: 42 }])
    await second.stop()
  },
)

test(
  'a data folder that was emptied begins anew, and the old database is kept',
  rootOnly,
  async (t) => {
    const folder = await closedFolder(t)
    const first = await startTollgate(t, folder)
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    const home = dirname(clusterOf(folder.dataDir))
    await rm(folder.dataDir, { recursive: true })

    const second = await startTollgate(t, folder)
    await assert.rejects(query(second.url, 'SELECT answer FROM kept'), { code: '42P01' })
    await second.stop()
    assert.ok((await readdir(`${home}.old-1/postgres`)).includes('PG_VERSION'))
  },
)

test(
  'a copy of a data folder does not share the database that lies elsewhere',
  rootOnly,
  async (t) => {
    const folder = await closedFolder(t)
    await (await startTollgate(t, folder)).stop()
    const copy = { ...folder, dataDir: `${folder.dataDir}-copy` }
    await cp(folder.dataDir, copy.dataDir, { recursive: true })
    await assert.rejects(startTollgate(t, copy), /is a copy of .*belongs to that one/)

    await rm(folder.dataDir, { recursive: true })
    const moved = await startTollgate(t, copy)
    await query(moved.url, 'SELECT 1')
    await moved.stop()
  },
)

test("root's folder is refused to an ordinary user, with what to do", {
  skip: isRoot ? cannotReachCheckout(ordinary) : 'needs root',
}, async (t) => {
  const folder = testFolder(t)
  await (await startTollgate(t, folder)).stop()
  await assert.rejects(startTollgate(t, folder, { user: ordinary! }), {
    name: 'EmbeddedPostgresError',
    message: /belongs to another user.*Start Tollgate as the user that made it/,
  })
})

test('root runs a database that an ordinary user made, as that user', {
  skip: isRoot ? cannotReachCheckout(ordinary) : 'needs root',
}, async (t) => {
  const folder = testFolder(t, ordinary ?? undefined)
  await (await startTollgate(t, folder, { user: ordinary! })).stop()
  await (await startTollgate(t, folder)).stop()
  await (await startTollgate(t, folder, { user: ordinary! })).stop()
})

/** A checkout under /root: nobody else may pass. What lies elsewhere is in the same test folder. */
async function closedFolder(t: TestContext): Promise<{ dataDir: string; sharedDir: string }> {
  const { dataDir, sharedDir } = testFolder(t)
  const { output } = await runCommand('mkdir', ['-m', '0700', `${dataDir}-closed`], null)
  assert.equal(output, '')
  await chmod(`${dataDir}-closed`, 0o700)
  return { dataDir: join(`${dataDir}-closed`, 'data'), sharedDir }
}
