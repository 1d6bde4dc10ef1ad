import { createFile, type Item, MP4BoxBuffer } from 'mp4box';

/** A property of an item, e.g. `irot`. */
export interface HeifProperty {
  readonly type: string;
  /** What is in its box, behind the header. */
  readonly content: DataView;
}

/** A picture in a HEIF file, or what one is made from (ISO/IEC 23008-12). */
export interface HeifItem {
  /** `hvc1` for HEVC, `grid` for tiles, `iden` for another item that is only turned. */
  readonly type: string;
  readonly content: Uint8Array;
  /** In the order in which they apply. */
  readonly properties: readonly HeifProperty[];
  /** Items it is made from, in order. */
  readonly parts: readonly number[];
}

/** The pictures in a HEIF file. */
export class HeifFile {
  /** The item to show. */
  readonly primary: number;
  readonly #bytes: Uint8Array;
  readonly #items: ReadonlyMap<number, Item>;

  /** @throws Error where it is none, or damaged */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const file = createFile();
    const { buffer, byteOffset, byteLength } = bytes;
    file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(buffer.slice(byteOffset, byteOffset + byteLength), 0), true);
    const primary = file.meta?.pitm?.item_id;
    if (primary === undefined) throw new Error('the file has no primary item');
    this.primary = primary;
    this.#bytes = bytes;
    this.#items = new Map(Object.entries(file.items).map(([id, item]) => [Number(id), item]));
  }

  /** @throws Error where there is no such item, or not all of it */
  item(id: number): HeifItem {
    const item = this.#items.get(id);
    if (item?.type === undefined) throw new Error(`there is no item ${id}`);
    const { type, data = new Uint8Array(), size = 0, alreadyRead = 0 } = item;
    if (alreadyRead < size) throw new Error(`item ${id} is cut off`);
    const boxes = item.properties?.boxes ?? [];
    return { type, content: data, properties: boxes.map((box) => this.#property(box)), parts: referred(item, 'dimg') };
  }

  /** The item that holds the transparency of item `id`, if any. */
  alphaOf(id: number): number | undefined {
    const isAlpha = ({ content }: HeifProperty): boolean =>
      /^urn:mpeg:(?:hevc:2015:auxid:1|mpegB:cicp:systems:auxiliary:alpha)\0/.test(latin1(content));
    for (const [auxiliary, item] of this.#items) {
      if (!referred(item, 'auxl').includes(id)) continue;
      if (this.item(auxiliary).properties.some((property) => property.type === 'auxC' && isAlpha(property))) {
        return auxiliary;
      }
    }
    return undefined;
  }

  #property({ type, start = 0, hdr_size = 0, size }: PropertyBox): HeifProperty {
    const { buffer, byteOffset } = this.#bytes;
    return { type, content: new DataView(buffer, byteOffset + start + hdr_size, size - hdr_size) };
  }
}

interface PropertyBox {
  readonly type: string;
  readonly start?: number;
  readonly hdr_size?: number;
  /** Bytes, header included. */
  readonly size: number;
}

function referred({ ref_to }: Item, type: string): readonly number[] {
  return (ref_to ?? []).filter((reference) => reference.type === type).map(({ id }) => id.to_item_ID);
}

function latin1({ buffer, byteOffset, byteLength }: DataView): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('latin1');
}
