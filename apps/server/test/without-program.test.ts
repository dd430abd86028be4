import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutProgram } from './without-program.ts'

test('what needs a program that is not here is skipped, and fails where all must run', (t) => {
  const { CI, TOLLGATE_CI } = process.env
  t.after(() => {
    for (const [name, value] of Object.entries({ CI, TOLLGATE_CI })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  delete process.env.CI
  delete process.env.TOLLGATE_CI
  assert.equal(withoutProgram(process.execPath, 'nodejs'), false)
  assert.match(
    String(withoutProgram('no-such-program', 'none')),
    /no-such-program is not installed/,
  )
  for (const name of ['CI', 'TOLLGATE_CI']) {
    process.env[name] = '1'
    assert.throws(() => withoutProgram('no-such-program', 'none'), /apt-get install none/)
    assert.equal(withoutProgram(process.execPath, 'nodejs'), false)
    delete process.env[name]
  }
})
