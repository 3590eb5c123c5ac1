/**
 * Since when a group's commits stand where they stand: the one thing about a stuck partition that a single look cannot
 * tell. Bounded, and lost with the process: for a while after a start nothing counts as stuck.
 */
import { createHash } from "node:crypto"
import type { Millis } from "#schemas/Reading"
import type { PartitionOffsets } from "#services/Kafka"
import type { Offsets } from "#services/kafkaOffsets"

/** Over all questions together. */
const PARTITIONS_MAX = 100_000

interface Commit {
  readonly offset: bigint | undefined
  readonly since: Millis
  readonly moved: boolean
}

export class Progress {
  /** By question and then by partition; the question longest unasked comes first. */
  readonly #groups = new Map<string, ReadonlyMap<string, Commit>>()
  #count = 0

  note(question: string, offsets: ReadonlyArray<Offsets>, at: Millis): ReadonlyArray<PartitionOffsets> {
    // A question holds credentials, which are not to be kept.
    const key = createHash("sha256").update(question).digest("base64")
    const before = this.#groups.get(key)
    const after = new Map<string, Commit>()
    const noted = offsets.map((one): PartitionOffsets => {
      const name = `${one.topic}/${one.partition}`
      const known = before?.get(name)
      const commit =
        known !== undefined && known.offset === one.committed
          ? known
          : { offset: one.committed, since: at, moved: known !== undefined }
      after.set(name, commit)
      return { ...one, standsSince: commit.since, hasMoved: commit.moved }
    })
    this.#groups.delete(key)
    this.#groups.set(key, after)
    this.#count += after.size - (before?.size ?? 0)
    for (const [oldest, commits] of this.#groups) {
      if (this.#count <= PARTITIONS_MAX || oldest === key) break
      this.#groups.delete(oldest)
      this.#count -= commits.size
    }
    return noted
  }
}
