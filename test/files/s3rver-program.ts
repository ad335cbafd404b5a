import S3rver from '@20minutes/s3rver'

/*
 * `s3rver-program.ts DIRECTORY` serves a bucket in the directory, and prints the port. Of a part that is not there s3rver throws where nobody
 * can catch it, and never answers: another server of tests must not end by that.
 */
process.on('uncaughtException', (error) => console.error(error.message))
const [directory = ''] = process.argv.slice(2)
const server = new S3rver({
  ...{ address: '127.0.0.1', port: 0, silent: true, directory },
  configureBuckets: [{ name: 'files' }],
})
const { port } = await server.run()
console.log(`s3rver is at ${port}.`)
