import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chown, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import {
  clusterOf,
  isAlive,
  postmasterPid,
  query,
  startTollgate,
  testFolder,
  until,
} from '../../../test/embedded.ts'
import { processStart } from './process-identity.ts'

const answers = (url: string) =>
  query(url, 'SELECT answer FROM kept').then(
    (rows) => rows.length === 1,
    () => false,
  )

test('after a kill -9 of Node the next start takes over the server that still runs', async (t) => {
  const folder = testFolder(t)
  const first = await startTollgate(t, folder)
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const server = first.postmasterPid()
  await first.kill()
  assert.ok(isAlive(server))

  const second = await startTollgate(t, folder)
  assert.equal(second.postmasterPid(), server)
  assert.equal(second.url, first.url)
  assert.ok(await answers(second.url))
  assert.equal(await second.stop(), 0)
  assert.equal(await processStart(server), null, 'and stops it in the end')
})

test('a server that still runs with other settings is replaced', async (t) => {
  const folder = testFolder(t)
  const first = await startTollgate(t, folder, { settings: { work_mem: '5MB' } })
  const server = first.postmasterPid()
  await first.kill()

  const second = await startTollgate(t, folder)
  assert.notEqual(second.postmasterPid(), server)
  assert.deepEqual(await query(second.url, 'SHOW work_mem'), [{ work_mem: '4MB' }])
  await second.stop()
})

test('after a kill -9 of Node and of the server, what was committed is there', async (t) => {
  const folder = testFolder(t)
  const first = await startTollgate(t, folder)
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const server = first.postmasterPid()
  await first.kill()
  process.kill(server, 'SIGKILL')

  const second = await startTollgate(t, folder)
  assert.ok(await answers(second.url))
  await second.stop()
})

test('a server that dies is started again, and the same URL works', async (t) => {
  const folder = testFolder(t)
  const tollgate = await startTollgate(t, folder)
  await query(tollgate.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  for (let times = 1; times <= 3; times++) {
    process.kill(tollgate.postmasterPid(), 'SIGKILL')
    await until('the server to be back', () => answers(tollgate.url))
  }
  assert.equal(await tollgate.stop(), 0)
})

test('so is one that was taken over', async (t) => {
  const folder = testFolder(t)
  const first = await startTollgate(t, folder)
  await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  await first.kill()
  const second = await startTollgate(t, folder)
  process.kill(second.postmasterPid(), 'SIGKILL')
  await until('the server to be back', () => answers(second.url))
  assert.equal(await second.stop(), 0)
})

test('a stop while the server is being started again ends in no server', async (t) => {
  const folder = testFolder(t)
  const tollgate = await startTollgate(t, folder)
  process.kill(tollgate.postmasterPid(), 'SIGKILL')
  assert.equal(await tollgate.stop(), 0)
  await noServerRuns(folder.dataDir)
  await (await startTollgate(t, folder)).stop()
})

test('a server that dies while a long query computes comes back when that lets go', async (t) => {
  const folder = testFolder(t)
  const tollgate = await startTollgate(t, folder)
  await query(tollgate.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const long = query(
    tollgate.url,
    `SET statement_timeout = '3s'; SELECT count(*) FROM generate_series(1, 1000000000)`,
  ).catch(() => {})
  await until('the query to run', async () => {
    const running = `SELECT pid FROM pg_stat_activity WHERE query LIKE 'SET%series%' AND state = 'active'`
    return (await query(tollgate.url, running)).length > 0
  })
  process.kill(tollgate.postmasterPid(), 'SIGKILL')
  await until('the server to be back', () => answers(tollgate.url))
  await long
  assert.equal(await tollgate.stop(), 0)
})

test('a port that somebody took meanwhile is waited for', async (t) => {
  const folder = testFolder(t)
  const tollgate = await startTollgate(t, folder)
  await query(tollgate.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const port = Number(new URL(tollgate.url).port)
  const server = tollgate.postmasterPid()
  // Stopped, it cannot look after its server, so the port is ours as soon as the server is gone.
  process.kill(tollgate.pid, 'SIGSTOP')
  process.kill(server, 'SIGKILL')
  const stranger = createServer((socket) => socket.destroy())
  await until('the port to be free', () => listens(stranger, port))
  process.kill(tollgate.pid, 'SIGCONT')
  const log = join(folder.dataDir, 'postgres.log')
  await until('a start to fail', async () => /could not bind/.test(await readFile(log, 'utf8')))
  await new Promise((resolve) => stranger.close(resolve))
  await until('the server to be back', () => answers(tollgate.url))
  assert.equal(await tollgate.stop(), 0)
})

test('a postmaster.pid that names a stranger does not keep the server from starting, nor harm the stranger', async (t) => {
  const folder = await crashedFolder(t)
  const cluster = clusterOf(folder.dataDir)
  const { uid, gid } = await stat(cluster)
  const stranger = spawn('sleep', ['600'], { uid, gid, stdio: 'ignore' })
  t.after(() => stranger.kill('SIGKILL'))
  await namePid(cluster, stranger.pid!)

  const tollgate = await startTollgate(t, folder)
  assert.notEqual(tollgate.postmasterPid(), stranger.pid)
  assert.ok(await answers(tollgate.url))
  await tollgate.stop()
  assert.ok(isAlive(stranger.pid!))
})

test('nor does one that names a zombie', async (t) => {
  const folder = await crashedFolder(t)
  const cluster = clusterOf(folder.dataDir)
  const { uid, gid } = await stat(cluster)
  // `exec` leaves the short sleep with a parent that never asks how it ended.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 600'], { uid, gid })
  t.after(() => parent.kill('SIGKILL'))
  const zombie = Number(
    await new Promise((resolve) => {
      createInterface({ input: parent.stdout }).once('line', resolve)
    }),
  )
  await until('it to end', async () => (await processStart(zombie)) === null)
  assert.ok(isAlive(zombie), 'it still has its pid')
  await namePid(cluster, zombie)

  const tollgate = await startTollgate(t, folder)
  assert.ok(await answers(tollgate.url))
  await tollgate.stop()
})

/** A folder whose server was killed and left its postmaster.pid behind. */
async function crashedFolder(t: TestContext): Promise<{ dataDir: string; sharedDir: string }> {
  const folder = testFolder(t)
  const tollgate = await startTollgate(t, folder)
  await query(tollgate.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const server = tollgate.postmasterPid()
  await tollgate.kill()
  process.kill(server, 'SIGKILL')
  await until('the server to be gone', async () => (await processStart(server)) === null)
  return folder
}

async function namePid(cluster: string, pid: number): Promise<void> {
  const path = join(cluster, 'postmaster.pid')
  const { uid, gid } = await stat(path)
  const [, ...rest] = (await readFile(path, 'utf8')).split('\n')
  await writeFile(path, [pid, ...rest].join('\n'))
  await chown(path, uid, gid)
}

async function noServerRuns(dataDir: string): Promise<void> {
  const left = await Promise.resolve()
    .then(() => postmasterPid(clusterOf(dataDir)))
    .catch(() => null)
  if (left !== null) assert.equal(await processStart(left), null)
}

function listens(server: ReturnType<typeof createServer>, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
}
