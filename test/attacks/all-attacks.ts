import type { Attack } from './attack-scene.ts'
import { admissionAttacks } from './kinds/admission-attacks.ts'
import { burstAttacks } from './kinds/burst-attacks.ts'
import { costlyDocumentAttacks } from './kinds/costly-document-attacks.ts'
import { editAttacks } from './kinds/edit-attacks.ts'
import { frameAttacks } from './kinds/frame-attacks.ts'
import { oddUpdateAttacks } from './kinds/odd-update-attacks.ts'
import { presenceAttacks } from './kinds/presence-attacks.ts'
import { requestAttacks } from './kinds/request-attacks.ts'
import { tokenAttacks } from './kinds/token-attacks.ts'
import { unreadAttacks } from './kinds/unread-attacks.ts'

/** Every attack by its name, in the order of their table in `packages/server/SPEC.md`. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  nobody: { title: 'nobody attacks: what the machine does by itself', run: (scene) => scene.pause(3_600_000) },
  ...admissionAttacks,
  ...burstAttacks,
  ...unreadAttacks,
  ...frameAttacks,
  ...presenceAttacks,
  ...costlyDocumentAttacks,
  ...oddUpdateAttacks,
  ...editAttacks,
  ...requestAttacks,
  ...tokenAttacks,
}
