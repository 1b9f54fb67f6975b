// Builds dist/ from src/, openapi.yaml and Swagger UI. The same input gives the
// same bytes; dist/ is committed, so that larder builds without Node.js.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(fileURLToPath(import.meta.url));
const swagger = join(web, "node_modules/swagger-ui-dist");
const docs = join(web, "dist/docs");

await rm(join(web, "dist"), { recursive: true, force: true });
await mkdir(docs, { recursive: true });

await cp(join(web, "src/docs"), docs, { recursive: true, filter: (file) => !file.endsWith(".template.html") });
for (const name of ["swagger-ui.css", "swagger-ui-bundle.js"]) {
  const text = await readFile(join(swagger, name), "utf8");
  // Source maps are not served, so nothing should ask for them.
  await writeFile(join(docs, name), text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=\S+?\.map(\*\/)?\s*$/, "\n"));
}
for (const name of ["LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"]) {
  await cp(join(swagger, name), join(docs, name === "swagger-ui-bundle.js.LICENSE.txt" ? name : `swagger-ui.${name}.txt`));
}
await writeFile(join(docs, "problems.html"), await problemsPage());

// problemsPage is a page with a section for each problem code; a problem's
// `type` leads to it. The codes are a table in the contract's introduction.
async function problemsPage() {
  const contract = await readFile(join(web, "../openapi.yaml"), "utf8");
  const rows = [...contract.matchAll(/^ +\| `([a-z_]+)` \| ([0-9, ]+) \| (.+) \|$/gm)];
  if (rows.length === 0) {
    throw new Error("openapi.yaml lists no problem codes");
  }
  const sections = rows.map(
    ([, code, status, meaning]) =>
      `      <dt id="${code}"><code>${code}</code> <span>${status}</span></dt>\n      <dd>${inline(meaning)}.</dd>`,
  );
  const template = await readFile(join(web, "src/docs/problems.template.html"), "utf8");
  return template.replace("<!-- codes -->", () => sections.join("\n").trimStart());
}

// inline turns one line of Markdown text and code into HTML.
function inline(text) {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const sentence = escaped.charAt(0).toUpperCase() + escaped.slice(1);
  return sentence.replace(/`([^`]+)`/g, "<code>$1</code>");
}
