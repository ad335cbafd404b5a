import { expect, it } from 'vitest'
import { mentionsIn, nameOffer, piecesOf } from './mentions.ts'

it('[E73] a comment addresses the people whose names stand in it behind an @', () => {
  const names = ['Ann', 'Ann Oak', 'Bob', 'Cé (team)']
  expect(mentionsIn('@Ann Oak and @Bob, not @Bobby', names)).toEqual(['Ann Oak', 'Bob'])
  expect(mentionsIn('@Anna, mail ann@Bob.example, @Cé (team)!', names)).toEqual(['Bob', 'Cé (team)'])
  expect(mentionsIn('nobody', names)).toEqual([])
  expect(mentionsIn('@', ['', 'x'])).toEqual([])
  expect(piecesOf('Hi @Bob!', names)).toEqual([
    { text: 'Hi ', isMention: false },
    { text: '@Bob', isMention: true },
    { text: '!', isMention: false },
  ])
})

it('[E139] an @ and letters offer the names that a word of begins with them, and no mail address does', () => {
  const names = ['Bob Oak', 'Zoë', 'Oakley', 'Ann']
  const offered = (before: string) => nameOffer(before, names)?.names ?? []
  expect(offered('@')).toEqual(names)
  expect(offered('Look, @bO')).toEqual(['Bob Oak'])
  expect(offered('(@oak')).toEqual(['Oakley', 'Bob Oak'])
  expect(offered('@zoe')).toEqual(['Zoë'])
  expect(offered('@bob o')).toEqual(['Bob Oak'])
  expect(nameOffer('@Ann and @an', names)).toEqual({ from: 9, names: ['Ann'] })
  for (const text of ['', 'no', 'ann@o', 'a.@o', '@nobody', '@Ann ', '@Ann\n', '@ ']) expect(offered(text)).toEqual([])
  expect(nameOffer('@', [])).toBeUndefined()
  expect(nameOffer('@', [...'abcdefgh'])?.names).toHaveLength(6)
})
