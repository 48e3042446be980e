// An OpenID provider for one test: on this machine only, its keys made anew at each start. It prints
// its issuer as soon as it can be called, and ends with its standard input.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const redirect = "http://127.0.0.1:8480/sign-in/openid/callback";

function key(kind, options, kid, alg) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

const configuration = {
  jwks: {
    keys: [
      key("rsa", { modulusLength: 2048 }, "rsa", "RS256"),
      key("ec", { namedCurve: "P-256" }, "ec", "ES256"),
    ],
  },
  clients: [
    {
      client_id: "with secret",
      client_secret: "a secret: with + and % in it",
      redirect_uris: [redirect],
      id_token_signed_response_alg: "RS256",
    },
    {
      client_id: "without",
      token_endpoint_auth_method: "none",
      redirect_uris: [redirect],
      id_token_signed_response_alg: "ES256",
    },
  ],
  cookies: { keys: ["for the test alone"] },
  claims: { profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: "Quality desk" }) }),
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, configuration).callback());
  console.log(issuer);
});
process.stdin.resume().on("end", () => process.exit(0));
