import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError } from '../../lib/problem-error.ts'
import { PASSWORD_HASHES_RUNNING_MAX, PASSWORD_HASHES_WAITING_MAX } from '../../limits.ts'
import { checkPassword } from './password-rules.ts'
import { Passwords } from './passwords.ts'

const owner = { email: 'grace.hopper@navy.example', name: 'Grace Hopper' }
const passwords = new Passwords()

const weaknessOf = (password: string): string | null => {
  try {
    checkPassword(password, owner, 'new_password')
    return null
  } catch (error) {
    assert.ok(error instanceof ProblemError && error.code === 'invalid_request')
    assert.equal(error.errors!.length, 1)
    assert.equal(error.errors![0]!.field, 'new_password')
    return error.errors![0]!.message
  }
}

test('length is counted in characters as people see them, from 10 to 128', () => {
  assert.match(weaknessOf('k8#mPz!q0')!, /at least 10/)
  assert.equal(weaknessOf('k8#mPz!q0W'), null)
  assert.match(weaknessOf('🐢🐇🦊🐻🐼🐨🐯🦁🐮')!, /at least 10/)
  assert.equal(weaknessOf('🐢🐇🦊🐻🐼🐨🐯🦁🐮🐷'), null)
  const long = Array.from({ length: 128 }, (_, index) => 'kqzxvw7'[(index * index) % 7]).join('')
  assert.equal(weaknessOf(`${long.slice(0, 120)}horse/9A`), null)
  assert.match(weaknessOf(`${long}horse`)!, /more than 128/)
})

for (const password of [
  ...['password123', 'Password2024!', 'P@ssw0rd!!11', 'PASSWORDpassword', 'iloveyou4ever'],
  ...['qwertyuiop', 'QWERTY123456', '1qaz2wsx3edc', 'zaq12wsxcde3', 'asdfghjkl;', 'poiuytrewq'],
  ...['1234567890', '0987654321', 'abcdefghijkl', '12345678910', '1q2w3e4r5t6y'],
  ...['aaaaaaaaaa', 'abababababab', 'Xy9!Xy9!Xy9!', '1111122222', 'aaaaaaaaab', '          '],
  ...['letmein!2024', 'welcome-2023', 'Dragon1234', 'adminadmin1', 'changeme!!!', 'Summer2025!'],
]) {
  test(`“${password}” is refused: whoever guesses begins with such`, () => {
    assert.ok(weaknessOf(password) !== null)
  })
}

for (const password of [
  'grace.hopper',
  'GraceHopper1',
  'hopper-grace',
  'navy.example',
  'tollgate 2026',
  'T0llgate-Navy',
]) {
  test(`“${password}” is refused to somebody of that name and address`, () => {
    assert.ok(weaknessOf(password) !== null)
  })
}

for (const password of [
  ...['a kettle on the moon', 'correct horse battery', 'k8#mPz!q0W', 'Frühstück um acht'],
  ...['graceful otters swim', 'пароль-на-луне', '月の上のやかん、青い空だ', 'x7-Kettle-Moon'],
]) {
  test(`“${password}” is taken`, () => assert.equal(weaknessOf(password), null))
}

test('a password is right however a keyboard composes its letters, and wrong in another case', async () => {
  const hashed = await passwords.hashNew('Fru\u0308hstu\u0308ck um acht', owner)
  assert.match(hashed, /^\$argon2id\$/)
  assert.equal(await passwords.verify(hashed, 'Fr\u00fchst\u00fcck um acht'), true)
  assert.equal(await passwords.verify(hashed, 'fr\u00fchst\u00fcck um acht'), false)
  assert.equal(await passwords.verify(hashed, 'Frühstück um acht '), false)
})

test('two hashes of one password differ', async () => {
  const [one, two] = await Promise.all([
    passwords.hashNew('a kettle on the moon', owner),
    passwords.hashNew('a kettle on the moon', owner),
  ])
  assert.notEqual(one, two)
})

test('where there is no person a hash is compared all the same, and nothing fits', async () => {
  const before = passwords.hashesCount
  assert.equal(await passwords.verify(null, 'a kettle on the moon'), false)
  assert.equal(passwords.hashesCount, before + 1)
})

test('a weak password costs no hash', () => {
  const before = passwords.hashesCount
  assert.throws(() => passwords.hashNew('password123', owner), ProblemError)
  assert.equal(passwords.hashesCount, before)
})

test('no more than a bounded number wait, the rest are told to come again, and then all is well', async () => {
  const room = PASSWORD_HASHES_RUNNING_MAX + PASSWORD_HASHES_WAITING_MAX
  const results = await Promise.allSettled(
    Array.from({ length: room + 20 }, () => passwords.verify(null, 'a kettle on the moon')),
  )
  const refused = results.filter(({ status }) => status === 'rejected')
  assert.ok(refused.length >= 20 && refused.length < 30, `${refused.length}`)
  for (const { reason } of refused as PromiseRejectedResult[]) {
    assert.equal((reason as ProblemError).code, 'overloaded')
  }
  assert.equal(await passwords.verify(null, 'a kettle on the moon'), false)
})
