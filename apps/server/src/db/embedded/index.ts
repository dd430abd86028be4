export { EmbeddedPostgresError } from './error.ts'
export { findRunningEmbeddedPostgres } from './find-running.ts'
export { type EmbeddedPostgres, startEmbeddedPostgres } from './start.ts'
