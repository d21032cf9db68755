// SPDX-License-Identifier: Apache-2.0
// Every file of tests/data/valid passes the schemas. Of tests/data/invalid those with a file `schema` beside the input
// are refused, all others are accepted: what they violate no schema can say (the unit tests show that the decoder
// refuses them all). Examples are manifests too.
import { createRequire } from 'node:module';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [root, modules] = process.argv.slice(2);
const require = createRequire(join(modules, 'x.js'));
const Ajv2020 = require('ajv/dist/2020').default;
const Ajv07 = require('ajv').default;
const YAML = require('yaml');

const options = { strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true };
const folder = join(root, 'schemas');
const schemas = readdirSync(folder).filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
const ajv = new Ajv2020({ ...options, schemas });
const validate = ajv.getSchema('https://kedge.dev/schemas/v1alpha1/kedge.json');

let failures = 0;
let checked = 0;
function expect(good, text) {
    checked++;
    if (good) return;
    failures++;
    console.log(`FAIL ${text}`);
}

// Editors mostly speak draft-07: each schema must mean something there, without a word that is ignored.
const editor = new Ajv07(options);
for (const { $schema, ...schema } of schemas) editor.addSchema(schema);
for (const { $id } of schemas) expect(editor.getSchema($id), `${$id} is no draft-07 schema`);

// null: the file is not YAML. Documents of other groups are not ours to judge.
function refusals(path) {
    const documents = YAML.parseAllDocuments(readFileSync(path, 'utf8'), { version: '1.2', uniqueKeys: true });
    if ([...documents].some((document) => document.errors.length > 0)) return null;
    try {
        return [...documents].map((document) => document.toJS())
            .filter((value) => value !== null)
            .filter((value) => typeof value.apiVersion !== 'string' || value.apiVersion.startsWith('kedge.dev/'))
            .flatMap((value) => (validate(value) ? [] : [ajv.errorsText(validate.errors)]));
    } catch (error) {
        if (error instanceof ReferenceError) return null; // an alias that leads nowhere, or too far
        throw error;
    }
}

const valid = join(root, 'tests/data/valid');
for (const name of readdirSync(valid)) {
    const found = refusals(join(valid, name));
    expect(found !== null && found.length === 0, `valid/${name}: ${found ?? 'not YAML'}`);
}

let unreadable = 0; // what makes it wrong lies below the schemas: in its bytes, or in how YAML reads them
const invalid = join(root, 'tests/data/invalid');
for (const name of readdirSync(invalid)) {
    const found = refusals(join(invalid, name, 'input.yaml'));
    const marked = existsSync(join(invalid, name, 'schema'));
    if (name.startsWith('yaml-')) {
        unreadable += found === null;
        expect(!marked, `invalid/${name}: no schema can refuse it`);
    } else if (found === null) {
        expect(false, `invalid/${name}: not YAML`);
    } else {
        expect(marked === found.length > 0, `invalid/${name}: ${marked ? 'accepted' : `refused: ${found}`}`);
    }
}

function* manifests(path) {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
        if (entry.isDirectory()) yield* manifests(join(path, entry.name));
        else if (/\.ya?ml$/.test(entry.name)) yield join(path, entry.name);
    }
}
for (const path of manifests(join(root, 'examples'))) {
    const found = refusals(path);
    expect(found !== null && found.length === 0, `${path}: ${found ?? 'not YAML'}`);
}

console.log(`${checked} checks, ${failures} failures; ${unreadable} inputs are not YAML for this reader either`);
process.exit(failures > 0 || checked < 150 ? 1 : 0);
