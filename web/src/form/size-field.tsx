import { videoSizePresets } from '../../../src/contract/input/presets.ts';
import { fieldSchema } from '../server/endpoints.ts';
import { proposalFor } from '../server/page-defaults.ts';
import { clipSize, isSize, type Size, sideLimits } from './clip-size.ts';
import { described, FieldFrame } from './field.tsx';
import { currentValue, setValue } from './form-state.ts';
import { shapeOf, titleOf } from './words.ts';

const name = 'video_size';
/** Pixels on the page of the longer side of a preset's outline. */
const outline = 26;

/** A preset, the picture's own size, or any other. */
export function SizeField() {
  const value = currentValue(name);
  const presets = fieldSchema(name).anyOf?.find((choice) => choice.enum !== undefined)?.enum ?? [];
  const proposal = proposalFor(name);
  const small = isSize(proposal) ? proposal : undefined;
  const isSmall = isSize(value) && value.width === small?.width && value.height === small.height;
  const custom = isSize(value) && !isSmall ? value : undefined;
  return (
    <FieldFrame name={name}>
      <fieldset class="sizes" {...described(name)}>
        <legend class="hidden">{titleOf(name)}</legend>
        {small !== undefined && (
          <label class="tile">
            <input type="radio" name={name} checked={isSmall} onChange={() => setValue(name, undefined)} />
            <span>
              <Outline size={small} />
              Small 4:3
              <small>{describe(small)}</small>
            </span>
          </label>
        )}
        {presets.map((preset) => (
          <label key={preset} class="tile">
            <input type="radio" name={name} checked={value === preset} onChange={() => setValue(name, preset)} />
            <span>
              <Outline size={sizeOf(preset)} />
              {shapeOf(preset)}
              <small>{describe(sizeOf(preset))}</small>
            </span>
          </label>
        ))}
        <label class="tile">
          <input
            type="radio"
            name={name}
            checked={custom !== undefined}
            onChange={() => setValue(name, otherThan(small, clipSize.value))}
          />
          <span>
            <Outline size={custom} />
            Any other
            <small>{custom === undefined ? 'you say' : describe(custom)}</small>
          </span>
        </label>
      </fieldset>
      {custom !== undefined && <CustomSize size={custom} />}
    </FieldFrame>
  );
}

function CustomSize({ size }: { readonly size: Size }) {
  const { minimum, maximum } = sideLimits();
  return (
    <div class="line">
      {(['width', 'height'] as const).map((side) => (
        <label key={side} class="inline">
          {side}
          <input
            type="number"
            min={minimum}
            max={maximum}
            value={size[side]}
            onInput={(event) => setValue(name, { ...size, [side]: Number(event.currentTarget.value) })}
            {...described(name)}
          />
        </label>
      ))}
    </div>
  );
}

function Outline({ size }: { readonly size: Size | undefined }) {
  const longer = Math.max(size?.width ?? 1, size?.height ?? 1);
  const style = {
    width: `${(outline * (size?.width ?? 1)) / longer}px`,
    height: `${(outline * (size?.height ?? 1)) / longer}px`,
  };
  return <span class={size === undefined ? 'outline open' : 'outline'} style={style} aria-hidden="true" />;
}

/** Where to begin with a size of one's own; that of a tile would be taken for the tile. */
function otherThan(small: Size | undefined, current: Size | undefined): Size {
  const { width, height } = current ?? { width: 640, height: 480 };
  return width === small?.width && height === small.height ? { width: 640, height: 480 } : { width, height };
}

function sizeOf(preset: string): Size | undefined {
  return Object.entries(videoSizePresets).find(([known]) => known === preset)?.[1];
}

function describe(size: Size | undefined): string {
  return size === undefined ? 'its own size' : `${size.width} × ${size.height}`;
}
