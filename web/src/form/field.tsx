import type { ComponentChildren } from 'preact';
import type { Delivery } from '../files/file-input.ts';
import { fieldSchema } from '../server/endpoints.ts';
import type { FieldSchema } from '../server/input-schema.ts';
import { currentValue, setValue, values } from './form-state.ts';
import { shownProblem } from './problems.ts';
import { helpOf, titleOf } from './words.ts';

interface FrameProps {
  readonly name: string;
  readonly children: ComponentChildren;
  /** Absent: the field's control has its own label. */
  readonly labelFor?: string;
}

/** What surrounds the control of every field: title, help, and what is wrong. */
export function FieldFrame({ name, children, labelFor }: FrameProps) {
  const title = titleOf(name);
  return (
    <div class="field" id={`field-${name}`}>
      <div class="field-head">
        {labelFor === undefined ? <span class="title">{title}</span> : <label for={labelFor}>{title}</label>}
        {values.value[name] !== undefined && fieldSchema(name).default !== undefined && (
          <button type="button" class="reset" onClick={() => setValue(name, undefined)}>
            Reset<span class="hidden"> {title} to its default</span>
          </button>
        )}
      </div>
      {children}
      <p class="help" id={`help-${name}`}>
        {helpOf(name)}
      </p>
      <Problem path={name} />
    </div>
  );
}

interface AddressProps {
  readonly name: string;
  readonly label: string;
  readonly text: string;
  readonly onText: (text: string) => void;
}

/** Takes the URL of a file, letter by letter: what it shows is what is sent. */
export function AddressField({ name, label, text, onText }: AddressProps) {
  return (
    <input
      type="url"
      aria-label={label}
      placeholder="… or paste a URL"
      value={text}
      onInput={(event) => onText(event.currentTarget.value)}
      {...described(name)}
    />
  );
}

interface ActivityProps {
  readonly content: { readonly state: string; readonly activity?: string };
  readonly delivery: Delivery;
}

/** What is being done about a file. */
export function Activity({ content, delivery }: ActivityProps) {
  const text = content.activity ?? (delivery.state === 'pending' ? delivery.activity : undefined);
  return text === undefined ? null : (
    <p class="note" role="status">
      {text}
    </p>
  );
}

export function Problem({ path }: { readonly path: string }) {
  const problem = shownProblem(path);
  return (
    <p class="problem" id={`problem-${path}`} role={problem === undefined ? undefined : 'alert'}>
      {problem}
    </p>
  );
}

/** Attributes that tie a control to its help and to what is wrong with it. */
export function described(name: string) {
  return {
    'aria-describedby': `help-${name} problem-${name}`,
    'aria-invalid': shownProblem(name) === undefined ? undefined : ('true' as const),
  };
}

/** The control that a schema calls for. */
export function Field({ name }: { readonly name: string }) {
  const schema = fieldSchema(name);
  if (schema.type === 'boolean') return <SwitchField name={name} />;
  if (schema.enum !== undefined) return <ChoiceField name={name} schema={schema} />;
  if (schema.type === 'number' || schema.type === 'integer') return <NumberField name={name} schema={schema} />;
  return <TextField name={name} schema={schema} />;
}

function SwitchField({ name }: { readonly name: string }) {
  return (
    <div class="field" id={`field-${name}`}>
      <label class="switch">
        <input
          type="checkbox"
          checked={currentValue(name) === true}
          onChange={(event) => setValue(name, event.currentTarget.checked)}
          {...described(name)}
        />
        <span>{titleOf(name)}</span>
      </label>
      <p class="help" id={`help-${name}`}>
        {helpOf(name)}
      </p>
      <Problem path={name} />
    </div>
  );
}

interface SchemaProps {
  readonly name: string;
  readonly schema: FieldSchema;
}

function ChoiceField({ name, schema }: SchemaProps) {
  return (
    <FieldFrame name={name}>
      <fieldset class="segments" {...described(name)}>
        <legend class="hidden">{titleOf(name)}</legend>
        {schema.enum?.map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name={name}
              checked={currentValue(name) === choice}
              onChange={() => setValue(name, choice)}
            />
            <span>{choice}</span>
          </label>
        ))}
      </fieldset>
    </FieldFrame>
  );
}

/** A range up to this many steps gets a slider. */
const maxSteps = 1000;

function NumberField({ name, schema }: SchemaProps) {
  const { minimum, maximum, type } = schema;
  const value = currentValue(name);
  const span = maximum === undefined || minimum === undefined ? Number.POSITIVE_INFINITY : maximum - minimum;
  const step = type === 'integer' || span > 10 ? 1 : 0.05;
  const set = ({ value: text, validity }: HTMLInputElement): void => {
    // What was typed may be no number; it is shown all the same, so the default must not stand for it.
    if (validity.badInput) setValue(name, Number.NaN);
    else setValue(name, text === '' ? undefined : Number(text));
  };
  return (
    <FieldFrame name={name} labelFor={`control-${name}`}>
      <div class="number">
        {span / step <= maxSteps && (
          <input
            type="range"
            aria-label={`${titleOf(name)}, slider`}
            min={minimum}
            max={maximum}
            step={step}
            value={Number(value ?? minimum)}
            onInput={(event) => set(event.currentTarget)}
          />
        )}
        <input
          type="number"
          id={`control-${name}`}
          min={minimum}
          max={maximum}
          step={type === 'integer' ? 1 : 'any'}
          placeholder={String(schema.default ?? (name === 'seed' ? 'random' : ''))}
          value={value === undefined || Number.isNaN(value) ? '' : Number(value)}
          onInput={(event) => set(event.currentTarget)}
          {...described(name)}
        />
      </div>
    </FieldFrame>
  );
}

function TextField({ name, schema }: SchemaProps) {
  const isLong = (schema.maxLength ?? 0) > 0;
  const common = {
    id: `control-${name}`,
    value: String(currentValue(name) ?? ''),
    placeholder: String(schema.examples?.[0] ?? ''),
    ...described(name),
  };
  const set = (text: string): void => setValue(name, text === '' && schema.default === undefined ? undefined : text);
  return (
    <FieldFrame name={name} labelFor={common.id}>
      {isLong ? (
        <textarea {...common} rows={3} onInput={(event) => set(event.currentTarget.value)} />
      ) : (
        <input type="text" {...common} onInput={(event) => set(event.currentTarget.value)} />
      )}
    </FieldFrame>
  );
}
