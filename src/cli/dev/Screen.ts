/**
 * A part of the terminal that is drawn anew in place: what stands above it stays in the scrollback, nothing flickers,
 * and a window of another size begins afresh.
 */

export interface Size {
  readonly columns: number
  readonly rows: number
}

const HIDE_CURSOR = "\u001b[?25l"
const SHOW_CURSOR = "\u001b[?25h"
/** Terminals that know it show a frame only when it is whole; the others do not mind. */
const BEGIN_FRAME = "\u001b[?2026h"
const END_FRAME = "\u001b[?2026l"
const END_OF_LINE = "\u001b[K"
const BELOW = "\u001b[J"
const EVERYTHING = "\u001b[2J\u001b[H"

export class Screen {
  readonly #write: (text: string) => void
  readonly #size: () => Size
  /** Printed once, and again after the window changed. */
  readonly #header: ReadonlyArray<string>
  #drawn = 0
  #last = ""
  #lastSize: Size | undefined

  constructor(write: (text: string) => void, size: () => Size, header: ReadonlyArray<string>) {
    this.#write = write
    this.#size = size
    this.#header = header
  }

  get size(): Size {
    return this.#size()
  }

  /** Lines must fit the width. */
  draw(lines: ReadonlyArray<string>): void {
    const size = this.#size()
    const before = this.#lastSize
    const anew = before === undefined || before.columns !== size.columns || before.rows !== size.rows
    const text = lines.slice(0, Math.max(1, size.rows - 1)).join(`${END_OF_LINE}\n`)
    if (!anew && text === this.#last) return
    const header = this.#header.length === 0 ? "" : `${this.#header.join("\n")}\n`
    const start = anew ? `${before === undefined ? "" : EVERYTHING}${header}${HIDE_CURSOR}` : this.#up()
    this.#write(`${BEGIN_FRAME}${start}${text}${END_OF_LINE}${BELOW}${END_FRAME}`)
    this.#drawn = text.split("\n").length
    this.#last = text
    this.#lastSize = size
  }

  /** What was drawn last stays, and the cursor is the shell's again. */
  end(): void {
    if (this.#lastSize !== undefined) this.#write(`\n${SHOW_CURSOR}`)
    this.#lastSize = undefined
  }

  #up(): string {
    return this.#drawn > 1 ? `\r\u001b[${this.#drawn - 1}A` : "\r"
  }
}
