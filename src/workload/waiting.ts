/** How long requests wait for a free worker when there are enough of them on average: an M/M/k queue, by table. */

/** Beyond this load the average is no help: what waits is counted second by second. */
export const LOAD_MAX = 0.995
const POINTS = 201

/** The chance to have to wait at all, of k workers that are busy for a share `load` of the time (Erlang C). */
export const erlangC = (workers: number, load: number): number => {
  const offered = workers * load
  let blocked = 1
  for (let worker = 1; worker <= workers; worker++) blocked = (offered * blocked) / (worker + offered * blocked)
  return blocked / (1 - load * (1 - blocked))
}

/** The same at any load up to LOAD_MAX, between 201 points. */
export const waitingChance = (workers: number): ((load: number) => number) => {
  const table = Float64Array.from({ length: POINTS }, (_, point) =>
    point === 0 ? 0 : erlangC(workers, (LOAD_MAX * point) / (POINTS - 1))
  )
  return (load) => {
    const place = (Math.min(load, LOAD_MAX) / LOAD_MAX) * (POINTS - 1)
    const point = Math.min(POINTS - 2, Math.trunc(place))
    const below = table[point] ?? 0
    return below + ((table[point + 1] ?? 0) - below) * (place - point)
  }
}
