import { expect, it } from 'vitest'
import { mentionsIn, piecesOf } from './mentions.ts'

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
