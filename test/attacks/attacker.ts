/*
 * The process of one attack: `node attacker.ts NAME PORT SECONDS WORKSPACE`. It has a process of its own, so that its work does
 * not delay the people beside it. Its last line is what the server told it, as JSON.
 */
import { ATTACKS } from './all-attacks.ts'
import { AttackScene } from './attack-scene.ts'

const [name = '', port, seconds, workspace = ''] = process.argv.slice(2)
const attack = ATTACKS[name]
if (attack === undefined) throw new Error(`there is no attack "${name}"`)
{
  using scene = new AttackScene({ port: Number(port), seconds: Number(seconds), workspace })
  await attack.run(scene)
  // The last words of the server are still on their way.
  await scene.pause(200)
  console.log(JSON.stringify(Object.fromEntries(scene.told)))
}
process.exit()
