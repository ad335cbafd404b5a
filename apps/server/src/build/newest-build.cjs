'use strict'
/*
 * Loaded at each start, before anything else: plain JavaScript, which needs no stripping of types.
 */
const { readFileSync, statSync } = require('node:fs')
const { join } = require('node:path')

/** The repository, from which manifests name sources. */
const ROOT = join(__dirname, '../../../..')
/** Where builds are kept. */
const BUILDS = join(ROOT, 'node_modules/.cache/joinery-command')
/** Name of the manifest of the newest build. */
const NEWEST = 'newest.json'
/** Name of the module that has the command. */
const ENTRY = 'cli.mjs'

/**
 * Path of the module that has the whole command, if there is a build of the sources exactly as they are; otherwise
 * undefined. Costs a `stat` of each source and each file of the build, some 4 ms.
 *
 * @param {string} [directory] where builds are kept
 * @returns {string | undefined}
 */
function newestBuild(directory = BUILDS) {
  try {
    const { root, name, files, sources } = JSON.parse(readFileSync(join(directory, NEWEST), 'utf8'))
    // A build names files by where they were: a repository that was moved or copied has none.
    if (root !== ROOT) return undefined
    const isWhole = Object.entries(files).every(([file, bytes]) => statSync(join(directory, name, file)).size === bytes)
    const isOfTheseSources = Object.entries(sources).every(
      ([path, changedAt]) => statSync(join(ROOT, path)).mtimeMs === changedAt,
    )
    return isWhole && isOfTheseSources ? join(directory, name, ENTRY) : undefined
  } catch {
    // There is no build yet, a file of it or a source is gone or can't be read, or a power cut has left half a manifest.
    return undefined
  }
}

module.exports = { BUILDS, NEWEST, ROOT, newestBuild }
