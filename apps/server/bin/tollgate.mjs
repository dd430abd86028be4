#!/usr/bin/env node
import { launch } from '../../../scripts/launch.mjs'

await launch('apps/server/src/main.ts', process.argv.slice(2))
