import { randomBytes } from 'node:crypto'
import pg from 'pg'

export type TestDatabase = {
  url: string
  /** Ends connections that are still open, and removes the database. */
  drop(): Promise<void>
}

/** A database of its own, migrated, as fast as a copy of a folder. One for each test file, or for each test. */
export async function testDatabase(): Promise<TestDatabase> {
  const { adminUrl, template } = fromRunner()
  const name = `t_${process.pid}_${randomBytes(6).toString('hex')}`
  // Copying files needs two checkpoints; copying through the log needs none, and the template is small.
  await asAdmin(adminUrl, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY WAL_LOG`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: () => asAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

function fromRunner(): { adminUrl: string; template: string } {
  const adminUrl = process.env.TOLLGATE_TEST_DATABASE_URL
  const template = process.env.TOLLGATE_TEST_TEMPLATE
  if (adminUrl === undefined || template === undefined) {
    throw new Error(
      'This test needs a database. Run it with "npm test -- FILE" (any part of its path), which starts one.',
    )
  }
  return { adminUrl, template }
}

async function asAdmin(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
