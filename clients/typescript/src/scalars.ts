// The scalars of the schema as they come over the wire. Texts stay texts: a JavaScript number would lose digits.

/** A whole number of up to 64 bits, as a text: `"53687091200"`. */
export type BigInt = string;

/** An instant in RFC 3339, with a time zone; answers are in UTC. `new Date(text)` keeps milliseconds of its microseconds. */
export type DateTime = string;

/** An exact decimal number, as a text: `"1234.50"`. Do not calculate with `Number`: cents get lost. */
export type Decimal = string;

/** Any JSON value. */
export type JSON = null | boolean | number | string | readonly JSON[] | { readonly [name: string]: JSON };

/** An address: absolute, or a path on the server. */
export type URL = string;
