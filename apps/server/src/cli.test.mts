import { describe, expect, it } from 'vitest'
import { runCommand } from './testing/command-process.mts'

describe('joinery', () => {
  it.each([
    [['serve', '--port', 'http'], 'joinery: --port must be a whole number'],
    [['serve', '--prot', '1'], 'joinery: unknown option'],
    [['serve', '--host', '0.0.0.0'], 'joinery: --host 0.0.0.0 can be reached by others'],
    [['sreve'], 'joinery: unknown command'],
    [['replay'], 'joinery: missing required argument'],
    [['replay', '/no/such/file.json.gz'], "joinery: can't read the trace"],
    [['replay', 'x', '--speed', 'fast'], 'joinery: --speed must be flat, or edits per second'],
    [
      ['replay', 'x', '--url', 'ws://127.0.0.1:1', '--durability', 'sync'],
      'joinery: --durability and --url exclude each other',
    ],
    [['token'], 'joinery: JOINERY_JWT_SECRET is not set'],
  ])('[A9] exits with 2 and one line when it is called as %j', async (args, start) => {
    const { code, stdout, stderr } = await runCommand(args)
    expect(stderr.startsWith(start), stderr).toBe(true)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  it('[A9] explains itself on stdout with 0 when asked', async () => {
    const { code, stdout } = await runCommand(['serve', '--help'])
    expect(code).toBe(0)
    for (const option of ['--port', '--host', '--data', '--durability', '--insecure']) expect(stdout).toContain(option)
  })

  it('[A4] prints nothing but the token when asked for one', async () => {
    const env = { JOINERY_JWT_SECRET: 'a secret of at least thirty-two bytes' }
    const { code, stdout, stderr } = await runCommand(['token', '--sub', 'ada', '--workspaces', 'demo'], { env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
  })
})
