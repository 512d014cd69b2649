/**
 * Login tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 under the key of the data directory. They name the user and
 * the user's generation; role and permissions are looked up, so that a change holds for tokens that are out already.
 */
import jsonwebtoken from 'jsonwebtoken';

const ALGORITHM = 'HS256';
const ISSUER = 'lumadb';

export interface TokenClaims {
  readonly username: string;
  /** Of the user when it was issued: another one since then has revoked it. */
  readonly generation: string;
  readonly tokenId: string;
  /** Wall clock in milliseconds. */
  readonly expiresAtMs: number;
}

export function signToken(key: Uint8Array, claims: TokenClaims, nowMs: number): string {
  const payload = {
    gen: claims.generation,
    iat: Math.floor(nowMs / 1000),
    exp: Math.floor(claims.expiresAtMs / 1000),
  };
  const options = {
    algorithm: ALGORITHM,
    issuer: ISSUER,
    subject: claims.username,
    jwtid: claims.tokenId,
  } as const;
  return jsonwebtoken.sign(payload, Buffer.from(key), options);
}

/** Undefined for what we have not signed so: also `alg: none` and other algorithms. Whether it has expired is not looked at. */
export function verifyToken(key: Uint8Array, token: string): TokenClaims | undefined {
  try {
    const payload = jsonwebtoken.verify(token, Buffer.from(key), {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      ignoreExpiration: true,
    });
    if (typeof payload === 'string') return undefined;
    const { sub, gen, jti, exp } = payload;
    if (
      typeof sub !== 'string' ||
      typeof gen !== 'string' ||
      typeof jti !== 'string' ||
      typeof exp !== 'number'
    )
      return undefined;
    return { username: sub, generation: gen, tokenId: jti, expiresAtMs: exp * 1000 };
  } catch {
    return undefined;
  }
}
