// An OpenID provider for one test: on this machine only, its keys made anew at each start. It prints
// its issuer as soon as it can be called, and ends with its standard input. Its one argument is the
// redirect address of its clients. `rotate` on its standard input gives it other keys under other
// names, `asked` prints how often its keys were asked for; both answer with one line.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const redirect = process.argv[2] ?? "http://127.0.0.1:8480/sign-in/openid/callback";
let generation = 0;
let asked = 0;

function key(kind, options, kid, alg) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

const jwks = () => {
  const name = (kind) => (generation === 0 ? kind : `${kind}-${generation}`);
  return {
    keys: [
      key("rsa", { modulusLength: 2048 }, name("rsa"), "RS256"),
      key("ec", { namedCurve: "P-256" }, name("ec"), "ES256"),
    ],
  };
};

const configuration = {
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

let answer;
const begin = (issuer) => {
  answer = new Provider(issuer, { ...configuration, jwks: jwks() }).callback();
};

const server = createServer((request, response) => {
  if (request.url === "/jwks") asked += 1;
  answer(request, response);
});
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  begin(issuer);
  console.log(issuer);
  createInterface({ input: process.stdin })
    .on("line", (word) => {
      if (word === "rotate") {
        generation += 1;
        begin(issuer);
        console.log(`rotated ${generation}`);
      } else if (word === "asked") {
        console.log(`asked ${asked}`);
      }
    })
    .on("close", () => process.exit(0));
});
