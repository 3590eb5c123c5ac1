/** NATS subjects: tokens between dots; `*` stands for one token, `>` at the end for one or more. */

/** Whether every subject that `inner` stands for is one of those that `outer` stands for. */
export const covers = (outer: string, inner: string): boolean => {
  const outerTokens = outer.split(".")
  const innerTokens = inner.split(".")
  for (const [at, token] of outerTokens.entries()) {
    const other = innerTokens[at]
    if (other === undefined) return false
    if (token === ">" && at === outerTokens.length - 1) return true
    if (other === ">" && at === innerTokens.length - 1) return false
    if (token !== "*" && token !== other) return false
  }
  return outerTokens.length === innerTokens.length
}

/** Whether one of the two covers the other: their backlogs have something to do with each other. */
export const related = (a: string, b: string): boolean => covers(a, b) || covers(b, a)
