/** What one check found out, and how findings are shown to people and to programs. */

export interface Finding {
  readonly name: string
  /** failed: the operator cannot do its work; warning: part of it; skipped: could not be looked at, or not wanted. */
  readonly status: "ok" | "warning" | "failed" | "skipped"
  readonly message: string
  /** What to do about it. */
  readonly remedy?: string
}

export const ok = (name: string, message: string): Finding => ({ name, status: "ok", message })
export const skipped = (name: string, message: string): Finding => ({ name, status: "skipped", message })
export const warning = (name: string, message: string, remedy: string): Finding => ({
  name,
  status: "warning",
  message,
  remedy
})
export const failed = (name: string, message: string, remedy: string): Finding => ({
  name,
  status: "failed",
  message,
  remedy
})

const MARKS = { ok: "ok", warning: "WARN", failed: "FAIL", skipped: "-" } as const

export const toText = (findings: ReadonlyArray<Finding>): string => {
  const width = Math.max(...findings.map(({ name }) => name.length))
  const indent = " ".repeat(width + 7)
  const lines = findings.flatMap(({ name, status, message, remedy }) => [
    `${MARKS[status].padEnd(4)} ${name.padEnd(width)}  ${message.replaceAll("\n", `\n${indent}`)}`,
    ...(remedy === undefined ? [] : [`${indent}-> ${remedy.replaceAll("\n", `\n${indent}   `)}`])
  ])
  const count = (wanted: Finding["status"]) => findings.filter(({ status }) => status === wanted).length
  const [broken, doubtful] = [count("failed"), count("warning")]
  const verdict =
    broken > 0
      ? `${broken} of ${findings.length} checks failed.`
      : doubtful > 0
        ? `The operator can run; ${doubtful} of ${findings.length} checks have a warning.`
        : "All is well."
  return [...lines, "", verdict].join("\n")
}

export const toJson = (version: string, findings: ReadonlyArray<Finding>): string =>
  JSON.stringify({ ok: findings.every(({ status }) => status !== "failed"), version, checks: findings }, undefined, 2)
