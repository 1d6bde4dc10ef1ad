import { Address } from '../files/file-input.ts';
import { clipSize } from '../form/clip-size.ts';
import { DropZone } from '../form/drop-zone.tsx';
import { Activity, AddressField, FieldFrame } from '../form/field.tsx';
import { files, type PictureField, setFile } from '../form/form-state.ts';
import { Picture } from './picture.ts';

/** A picture the clip begins or ends with, shown as it will be cropped. */
export function PictureFieldView({ name }: { readonly name: PictureField }) {
  const chosen = files[name].value;
  return (
    <FieldFrame name={name}>
      {chosen instanceof Picture && <Cropped name={name} picture={chosen} />}
      <DropZone
        accept="image/*"
        label={chosen instanceof Picture ? 'Choose another' : 'Choose a picture'}
        onFile={(file) => setFile(name, Picture.chosen(file, file.name))}
      >
        <span class="note">or drop one here</span>
      </DropZone>
      {!(chosen instanceof Picture) && (
        <AddressField
          name={name}
          label="URL of the picture"
          text={chosen?.text ?? ''}
          onText={(text) => setFile(name, text === '' ? undefined : new Address(text))}
        />
      )}
    </FieldFrame>
  );
}

function Cropped({ name, picture }: { readonly name: PictureField; readonly picture: Picture }) {
  const size = clipSize.value;
  const content = picture.content.value;
  return (
    <figure class="cropped">
      {content.state === 'unreadable' && (
        <p class="note">This browser cannot show this picture; the server may well read it.</p>
      )}
      {content.state === 'readable' && (
        <img
          src={content.shownUrl}
          alt={`${picture.name}, as it is cropped`}
          style={{ aspectRatio: `${size?.width ?? content.width} / ${size?.height ?? content.height}` }}
        />
      )}
      <figcaption class="line">
        <span class="name">{picture.name}</span>
        {content.state === 'readable' && size !== undefined && (
          <span class="amount">
            {content.width} × {content.height} → {size.width} × {size.height}
          </span>
        )}
        <button type="button" class="quiet" onClick={() => setFile(name, undefined)}>
          Remove<span class="hidden"> {picture.name}</span>
        </button>
      </figcaption>
      <Activity content={content} delivery={picture.delivery.value} />
    </figure>
  );
}
