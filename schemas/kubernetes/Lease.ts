/** coordination.k8s.io/v1 Lease: who leads. Times are RFC 3339 with microseconds. */
import * as Schema from "effect/Schema"

const optionalNullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

export const LeaseSpec = Schema.Struct({
  holderIdentity: optionalNullable(Schema.String),
  leaseDurationSeconds: optionalNullable(Schema.Int),
  acquireTime: optionalNullable(Schema.String),
  renewTime: optionalNullable(Schema.String),
  leaseTransitions: optionalNullable(Schema.Int)
})
export type LeaseSpec = typeof LeaseSpec.Type

export const Lease = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, namespace: Schema.String, resourceVersion: Schema.String }),
  spec: Schema.optionalKey(LeaseSpec)
})
export type Lease = typeof Lease.Type
