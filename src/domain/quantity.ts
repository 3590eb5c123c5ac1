/** Quantities, for the pure code; the arithmetic itself is in schemas, where the wire and the sources need it too. */
export { formatMilli, parseQuantityMilli, thousandths } from "#schemas/quantity"
