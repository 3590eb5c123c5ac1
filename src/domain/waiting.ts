/**
 * How many pods keep the share of work that has to wait below a bound, by Erlang's formula for waiting, with each pod
 * taken for one server. In a crowd it is the square-root rule: what has to be kept free grows with the root of the load.
 */

/** From here on the root does, and nothing has to be counted up pod by pod. */
const COUNTED_MAX = 400

/** `load`: how many pods are busy on average. */
const counted = (load: number, waiting: number): number => {
  let blocked = 1
  for (let pods = 1; ; pods++) {
    blocked = (load * blocked) / (pods + load * blocked)
    if (pods <= load) continue
    const busy = load / pods
    if (blocked / (1 - busy * (1 - blocked)) <= waiting) return pods
  }
}

/** `waiting`: the share that may have to wait, above 0. */
export const podsToServe = (load: number, waiting: number): number => {
  if (!(load > 0)) return 0
  if (load <= COUNTED_MAX) return counted(load, waiting)
  const free = counted(COUNTED_MAX, waiting) - COUNTED_MAX
  return Math.ceil(load + free * Math.sqrt(load / COUNTED_MAX))
}
