// Loaded by the page at `/`, which shows all else without it: the boards come once their code is there.
void import('./two-boards.tsx').then(({ mountTwoBoards }) => {
  const place = document.getElementById('two-boards')
  if (place !== null) mountTwoBoards(place)
})
