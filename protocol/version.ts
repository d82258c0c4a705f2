/** The versions that cross a border. A test keeps PROGRAM_VERSION equal to package.json. */

/** Version of the program, shown to people; never compared by a peer. */
export const PROGRAM_VERSION = '0.1.0';

/** Version of the wire, part of the ALPN names and of `hello`. */
export const WIRE_VERSION = 1;

/** ALPN of the link, pieces and stream connections between members. SPEC.md, "Connections". */
export const ALPN_MEMBER = 'potluck/1';

/** ALPN of the join by invitation; offered only while an invitation is open. SPEC.md, "Join". */
export const ALPN_JOIN = 'potluck-join/1';
