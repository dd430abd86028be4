import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import PostalMime from 'postal-mime'
import { startMailServer } from '../../test/mail-server.ts'
import { PermanentFailure } from '../lib/permanent-failure.ts'
import { MAIL_FILES_MAX } from '../limits.ts'
import { openMailer } from './mailer.ts'

const clock = { now: () => Date.parse('2026-03-04T05:06:07Z') }
const mailFrom = 'Tollgate <billing@example.com>'
const server = await startMailServer()
const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-mail-'))
const folder = join(dataDir, 'mail')
after(async () => {
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})
const bySmtp = openMailer({ smtpUrl: server.url, mailFrom, dataDir }, clock)
const asFiles = openMailer({ smtpUrl: null, mailFrom, dataDir }, clock)

test('an e-mail arrives as it was written, from who the settings say', async () => {
  const text = 'Grüße aus Köln 👋\n\nhttps://example.com/a?b=c#token=abc_-123\n.\nend\n'
  await bySmtp.send({ to: 'ann@example.com', subject: 'Größe: ½ 👋', text })
  const mail = await server.next('ann@example.com')
  assert.equal(mail.text.trimEnd(), text.trimEnd())
  assert.equal(mail.subject, 'Größe: ½ 👋')
  assert.equal(mail.from, 'billing@example.com')
  assert.deepEqual(mail.headerTo, ['ann@example.com'])
  assert.match(mail.raw, /^Auto-Submitted: auto-generated\r$/m)
  assert.match(mail.raw, /^Date: Wed, 04 Mar 2026 05:06:07 \+0000\r$/m)
})

test('nothing in a subject can begin a header, or a second e-mail', async () => {
  const hostile = [
    'Hello\r\nBcc: eve@example.com',
    'Hello\nBcc: eve@example.com\n\nBody of mine',
    'Hello\rBcc: eve@example.com',
    'Hello\u2028Bcc: eve@example.com\u0085X: y\u0000',
    `Hello ${'\r\nBcc: eve@example.com'.repeat(50)}`,
    'Hello\r\n.\r\nMAIL FROM:<eve@example.com>\r\n',
    '=?utf-8?Q?Hello=0D=0ABcc:_eve@example.com?=',
  ]
  for (const [number, subject] of hostile.entries()) {
    const to = `bob${number}@example.com`
    await bySmtp.send({ to, subject, text: subject })
    const mail = await server.next(to)
    assert.deepEqual(mail.to, [to])
    assert.doesNotMatch(mail.raw.split('\r\n\r\n')[0]!, /^(Bcc|X|MAIL FROM:)[: ]/im, subject)
    assert.doesNotMatch(mail.subject, /[\r\n]/)
  }
  assert.equal(server.attempts('eve@example.com'), 0)
})

test('an e-mail goes to one address, whatever that address says', async () => {
  const before = server.received.length
  for (const to of [
    '',
    'eve',
    'ann@example.com, eve@example.com',
    'ann@example.com,eve@example.com',
    'ann@example.com;eve@example.com',
    'Eve <eve@example.com>',
    '<eve@example.com>',
    '"eve@example.com" <ann@example.com>',
    'ann@example.com\r\nRCPT TO:<eve@example.com>',
    'ann@example.com\nBcc: eve@example.com',
    'ann\u0000@example.com',
    'group: eve@example.com;',
    'ann@eve@example.com',
    'ann@example.com (eve@example.com)',
    'ann@[127.0.0.1]',
  ]) {
    for (const mailer of [bySmtp, asFiles]) {
      await assert.rejects(mailer.send({ to, subject: 's', text: 't' }), PermanentFailure, to)
    }
  }
  assert.equal(server.received.length, before)
  assert.equal(server.attempts('eve@example.com'), 0)
})

test('what the mail server refuses for ever is told apart from what it refuses for now', async () => {
  server.refuse('nobody@example.com', 550)
  server.refuse('full@example.com', 452)
  const send = (to: string) => bySmtp.send({ to, subject: 's', text: 't' })
  await assert.rejects(send('nobody@example.com'), (error) => {
    assert.ok(error instanceof PermanentFailure)
    assert.doesNotMatch(error.message, /nobody/)
    return true
  })
  await assert.rejects(send('full@example.com'), notPermanent)
})

test('a mail server that is not there, hangs, or talks nonsense fails in time, and not for ever', async () => {
  const gone = await startMailServer()
  await gone.stop()
  const nonsense = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  nonsense.listen(0, '127.0.0.1')
  await once(nonsense, 'listening')
  const { port } = nonsense.address() as { port: number }
  for (const smtpUrl of [gone.url, `smtp://127.0.0.1:${port}`, 'smtp://no-such-host.invalid']) {
    const mailer = openMailer({ smtpUrl, mailFrom, dataDir }, clock)
    await assert.rejects(
      mailer.send({ to: 'a@example.com', subject: 's', text: 't' }),
      notPermanent,
    )
  }
  nonsense.close()
})

test('where e-mails go is told without the password', () => {
  const mailer = openMailer(
    { smtpUrl: 'smtps://me:secret@mail.example.com:465', mailFrom, dataDir },
    clock,
  )
  assert.equal(mailer.goesTo, 'mail.example.com:465')
  assert.equal(asFiles.goesTo, folder)
})

test('without a mail server each e-mail is a file that only its owner can read', async () => {
  await asFiles.send({ to: "o'hara+x/../y@example.com", subject: 'Grüße', text: 'Hallo' })
  const [name] = await filesOf('hara')
  assert.equal(name, '2026-03-04T05-06-07.000Z-0001-o_hara+x_.._y@example.com.eml')
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600)
  const mail = await PostalMime.parse(await readFile(join(folder, name)))
  assert.equal(mail.subject, 'Grüße')
  assert.equal(mail.text?.trim(), 'Hallo')
  assert.equal(mail.to?.[0]?.address, `"o'hara+x/../y"@example.com`)
})

test('e-mails that are written at the same moment do not overwrite each other', async () => {
  const send = (number: number) =>
    asFiles.send({ to: 'same@example.com', subject: `s${number}`, text: 't' })
  await Promise.all(Array.from({ length: 20 }, (_, number) => send(number)))
  const names = await filesOf('same@')
  assert.equal(names.length, 20)
})

test('the folder of e-mails keeps the newest', async () => {
  await Promise.all(
    Array.from({ length: MAIL_FILES_MAX }, (_, number) =>
      writeFile(join(folder, `2025-01-01T00-00-00.000Z-${number}-old@example.com.eml`), ''),
    ),
  )
  await asFiles.send({ to: 'newest@example.com', subject: 's', text: 't' })
  assert.equal((await filesOf('')).length, MAIL_FILES_MAX)
  assert.equal((await filesOf('newest')).length, 1)
  assert.equal((await filesOf('same@')).length, 20)
})

function notPermanent(error: unknown): boolean {
  assert.ok(error instanceof Error && !(error instanceof PermanentFailure), String(error))
  return true
}

async function filesOf(part: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.includes(part)).sort()
}
