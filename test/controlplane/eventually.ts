// Waits on conditions, never on durations: the machines are slow and noisy, so a test says what it waits for, gets a
// generous limit, and when the limit passes it prints what was last seen instead of "timeout".

export interface Waiting {
  /** What is waited for, as the rest of the sentence "waited 60 s for ...". */
  readonly what: string
  /** Default: 60 s. */
  readonly timeoutMillis?: number
  /** Default: 100 ms. */
  readonly intervalMillis?: number
  /** Called before each check; what it throws ends the waiting: the server that is waited for has died. */
  readonly assertHope?: () => void
}

/** Tells `eventually` what the check looked at, for the message of a failure. */
export type Seen = (value: unknown) => void

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

const printed = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value, undefined, 2) ?? String(value))
  return text.length > 4000 ? `${text.slice(0, 4000)}... (${text.length} characters)` : text
}

/**
 * Runs the check until it returns something other than undefined, null or false, and returns that. A check that throws
 * (a failed `expect`, a refused connection) is tried again as well.
 */
export const eventually = async <A>(
  check: (seen: Seen) => Promise<A> | A,
  { what, timeoutMillis = 60_000, intervalMillis = 100, assertHope }: Waiting
): Promise<Exclude<A, undefined | null | false>> => {
  const started = performance.now()
  const late = Symbol("late")
  let last: { readonly value: unknown } | undefined
  let failure: unknown
  let tries = 0
  for (;;) {
    assertHope?.()
    failure = undefined
    tries += 1
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<typeof late>((resolve) => {
      timer = setTimeout(() => resolve(late), Math.max(1, timeoutMillis - (performance.now() - started)))
    })
    try {
      const result = await Promise.race([
        Promise.resolve(
          check((value) => {
            last = { value }
          })
        ),
        over
      ])
      if (result === late) failure = new Error("the last check had not returned when the time was over")
      else if (result !== undefined && result !== null && result !== false) {
        return result as Exclude<A, undefined | null | false>
      }
    } catch (error) {
      failure = error
    } finally {
      clearTimeout(timer)
    }
    if (performance.now() - started >= timeoutMillis) {
      const lines = [`waited ${Math.round(timeoutMillis / 1000)} s (${tries} checks) for ${what}`]
      if (last !== undefined) lines.push(`last seen: ${printed(last.value)}`)
      if (failure !== undefined)
        lines.push(`last failure: ${failure instanceof Error ? failure.message : printed(failure)}`)
      throw new Error(lines.join("\n"), failure === undefined ? {} : { cause: failure })
    }
    await sleep(intervalMillis)
  }
}
