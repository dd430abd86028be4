import { launch } from './launch.mjs'

await launch('apps/server/test/run.ts', process.argv.slice(2))
