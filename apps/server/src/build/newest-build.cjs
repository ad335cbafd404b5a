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

/**
 * Path of the module that has the whole command, if there is a build of the sources exactly as they are; otherwise
 * undefined. Costs a `stat` of each source, some 4 ms.
 *
 * @param {string} [directory] where builds are kept
 * @returns {string | undefined}
 */
function newestBuild(directory = BUILDS) {
  try {
    const { entry, sources } = JSON.parse(readFileSync(join(directory, NEWEST), 'utf8'))
    const isOfTheseSources = Object.entries(sources).every(
      ([path, changedAt]) => statSync(join(ROOT, path)).mtimeMs === changedAt,
    )
    return isOfTheseSources ? join(directory, entry) : undefined
  } catch (error) {
    // There is no build yet, or a source is gone.
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

module.exports = { BUILDS, NEWEST, ROOT, newestBuild }
