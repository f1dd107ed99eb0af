"""Make the example shop of this folder from UCI's "Online Retail": `make_example.py RAW.csv.gz OUTDIR`.

Reads a year of invoice lines of a British gift-ware web shop and writes items.csv.gz (the catalogue) and
events.csv.gz (the purchases) under the field names that `shelfwise import` expects. The same input gives the
same bytes. Credit, columns and what was changed: README.md. Needs only the standard library.
"""

import argparse
import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

SERVICES = {"NEXT DAY CARRIAGE", "PACKING CHARGE", "HIGH RESOLUTION IMAGE"}  # sold, but no products

# Titles: these patterns are mended first, on upper-case text; then these words; then the case is made natural.
PATTERNS = r"""
\bS/3 CABINET→3 DRAWER CABINET; \bS/ ?(\d+)→SET OF \1; \bSET(?: OF)? ?/? ?(\d+)\b(?! PIECE)→SET OF \1;
\b(PACK|BOX|TUB)(?: OF)?[ /](\d+)→\1 OF \2; (?<= )W(?= )→WITH; W/SUCK(?:ER)?$→WITH SUCKER; WITH BEA$→WITH BEADS;
W/CHIME→WIND CHIME; W/KNIF & S$→WITH KNIFE; WITH STR$→WITH STRAP; T-LIGHT HOLD$→T-LIGHT HOLDER; PHOTO A$→PHOTO ALBUM;
BRACELET (?:OL|TO)$→BRACELET; GOLD M PEARL→GOLD MOTHER OF PEARL; ART DEC\b→ART DECO;
\b(GOLD|SILVER)[ /]M\.?O\.?P\b→\1 MOTHER OF PEARL; NECKL\.?(?![A-Z])→NECKLACE; C/COVER→CUSHION COVER;
M/COLOUR→MULTICOLOUR; FIRST ADE\b→FIRST AID; \b(LT|DECO|GLASS)\. ?([A-Z])→\1 \2; \b(\d+)(PC|LIGHT)\b→\1 \2;
A, B, C→ABC; (\d)CMX(\d)→\1X\2; ([A-Z])(\d\d")→\1 \2; (\d")(\w)→\1 \2; ([A-Z])("[A-Z]{2})→\1 \2;
TREE -PAPER→TREE - PAPER; NECKLACE-LEAF→NECKLACE - LEAF; (\w)\(→\1 (
"""
WORDS = """
ANT→ANTIQUE; ASS→ASSORTED; ASST→ASSORTED; ASSTD→ASSORTED; B'DRAW→DRAWER; B'FLY→BUTTERFLY; BLK→BLACK; CAND→CANDLE;
CANDL→CANDLE; CHOC→CHOCOLATE; COL→COLOUR; DEC→DECORATION; DES→DESIGN; DIA→DIAMOND; DIAMON→DIAMOND; FLOWE→FLOWER;
BUTTERFL→BUTTERFLY; GARLD→GARLAND; HLDR→HOLDER; LT→LIGHT; MED→MEDIUM; MONTAN→MONTANA; MOP→MOTHER OF PEARL;
MULTICOL→MULTICOLOUR; NAT→NATURAL; NECKLAC→NECKLACE; P'WEIGHT→PAPERWEIGHT; PC→PIECE; RASPBERR→RASPBERRY;
RECT→RECTANGULAR; RND→ROUND; SIL'T→SILHOUETTE; SQU→SQUARE; TURQ→TURQUOISE; TURQUOIS→TURQUOISE; VINT→VINTAGE;
WHIT→WHITE; WHT→WHITE; XMAS→CHRISTMAS; CHILDRENS→CHILDREN'S; CHILDS→CHILD'S; DADS→DAD'S; DRAGONS→DRAGON'S;
GAOLERS→GAOLER'S; GARDENERS→GARDENER'S; KINGS→KING'S; LETS→LET'S; QUEENS→QUEEN'S; ARTIIFCIAL→ARTIFICIAL;
BRACLET→BRACELET; BUDAH→BUDDHA; BUTTERFILES→BUTTERFLIES; CANDYSTUFT→CANDYTUFT; CANNISTER→CANISTER; CEATURE→CREATURE;
CINAMMON→CINNAMON; DOILEY→DOILY; FLOWR→FLOWER; FRAPPUCINO→FRAPPUCCINO; FUSCHIA→FUCHSIA; HYDRANGA→HYDRANGEA;
JEWELED→JEWELLED; LAQUERED→LACQUERED; LAZER→LASER; METALIC→METALLIC; METER→METRE; NILE→NIL; PAISELY→PAISLEY;
PANNETONE→PANETTONE; ROCCOCO→ROCOCO; SANDLEWOOD→SANDALWOOD; SILOUETTE→SILHOUETTE; SKIPPPING→SKIPPING;
STRAWBERY→STRAWBERRY; STRAWBRY→STRAWBERRY; TASSLE→TASSEL; TRADTIONAL→TRADITIONAL; TRAVELING→TRAVELLING;
UTILTY→UTILITY; BAROQUECANDLESTICK→BAROQUE CANDLESTICK; BLACKBLUE→BLACK/BLUE; BLACKCHRISTMAS→BLACK CHRISTMAS;
CHOCOLATECANDLE→CHOCOLATE CANDLE; DRAWERKNOB→DRAWER KNOB; FRUITBOWL→FRUIT BOWL;
KNICKERBOCKERGLORY→KNICKERBOCKER GLORY; LIVINGROOM→LIVING ROOM; PINKWHITE→PINK/WHITE; POPART→POP ART;
SMALLFOLKART→SMALL FOLKART; SQUARECUSHION→SQUARE CUSHION; STOPMETAL→STOP METAL; SWIRLGLASS→SWIRL GLASS;
VIPPASSPORT→VIP PASSPORT
"""
SMALL = {"a", "and", "at", "de", "du", "en", "for", "from", "in", "of", "on", "or", "the", "to", "with"}
KEEP = ("3D", "25W", "ABC", "CD", "D.O.F.", "LED", "TV", "US", "VIP", "WC", "d'Azure", "n'")
TOKEN = re.compile(r"[A-Z0-9][A-Z0-9'.]*")

# Categories: the first line with one of its words in the title wins (whole words or plurals); none: left blank.
CATEGORIES = """
Pets: cat bowl, dog bowl, cat food, dog food, dog canister
Seasonal > Christmas: christmas, santa, advent, snowmen, reindeer, noel, mistletoe, holly, jingle bell, nativity
Seasonal > Christmas: yuletide, glass bauble, folkart bauble, sleigh bell
Seasonal > Easter: easter
Stationery > Gift Wrap & Bags: wrap, wrapping, gift bag, gift tag, gift tape, gift boxes, paper bag, ribbon reel
Stationery > Gift Wrap & Bags: ribbons(?! purse), tissue ream, bottle bag
Stationery > Cards: ^card(?! holder), greeting card, birthday card, blank card, thank you card
Home > Hot Water Bottles & Hand Warmers: hot water bottle, hand warmer, pocket warmer, hottie
Home > Doormats & Doorstops: doormat, doorstop
Home > Signs: sign, doorsign, number tile, door hanger, block letter, wood letter, block word
Home > Magnets: magnet
Home > Wall Art: wall art, art picture, canvas screen, kitchen print, shells print, plaque, flying duck
Home > Matches & Ashtrays: matches, ashtray
Home > Money Boxes: money box, money bank, piggy bank
Home > Drawer Knobs: drawer knob
Home > Artificial Flowers: artificial flower, art flower
Health > First Aid: first aid, plasters, pill box, balm
Jewellery > Earrings: earring
Jewellery > Necklaces & Brooches: necklace, lariat, choker, brooch
Jewellery > Bracelets: bracelet, bangle
Jewellery > Rings: (?:expandable|flower|boudicca|silver|diamante|rosebud|bubblegum) ring
Jewellery > Boxes & Stands: trinket, jewellery, pink jewel
Accessories > Hair: hair, hairclip, hairband, hairslide, tiara, butterfly clip, cluster slide
Accessories > Key Rings & Charms: key ring, keyring, key fob, key-chain, bag charm, phone charm, bead charm
Accessories > Umbrellas & Rainwear: umbrella(?! stand), rain mac, rain hat, rain poncho, edwardian parasol
Accessories > Beauty: lip gloss, compact mirror, pocket mirror
Craft & Sewing: feltcraft, felt craft, sewing, knitting, craft, paint set, paint your own, stencil, stamp set
Craft & Sewing: card kit, 3d kit, pin cushion, measuring tape, tape measure, scissor, patches, handbag kit
Stationery > Notebooks & Journals: notebook, note book, journal, (?:pocket|exercise|address|scrap) book, notepad
Stationery > Notebooks & Journals: shopping list, (?:circles|fern|daisy|path|paisley|chrysanthemum) sketchbook
Bags > Lunch Bags & Boxes: lunch bag, lunch box
Bags > Travel: passport cover, luggage tag, wallet, backpack, holiday purse, (?:cabin|airline|overnight|weekend) bag
Bags > Wash & Cosmetic Bags: washbag, wash bag, cosmetic bag, cosmetics bag
Bags > Shopping Bags: jumbo bag, shopper, shopping bag, tote bag, storage bag, charlotte bag, recycling bag
Bags > Handbags & Purses: purse, handbag, (?:hand|shoulder|evening|pocket|bum|kids|drawstring|flower) bag
Toys > Games & Puzzles: jigsaw, playing card, domino, snakes & ladders, ludo, crosses, skittle, game, bingo
Toys > Games & Puzzles: snap card, croquet, rounders
Toys > Soft Toys: soft toy, teddy, doll, sock puppet, felt farm animal, knitted hen, mouse, monster, pony, dog toy
Toys > Toys & Novelties: spinning top, skipping rope, glider, helicopter, windmill, harmonica, marbles, badge
Toys > Toys & Novelties: drawing slate, playhouse, toy cooking, inflatable, crawlie, seaside bucket, flying disc
Baby & Child: baby bib, baby gift set, height chart, children's (?:cutlery|bowl|cup), child's breakfast
Garden > Tools & Gloves: garden glove, child's garden, garden (?:fork|trowel|tool|secateur), watering can, kneeling
Garden > Plants & Pots: planter, plant (?:pot|ladder|cage|holder), garden marker, grow, herb marker, herb garden
Garden > Outdoors: hammock, gnome, windsock, windchime, chime, bird feeder, bird table, garden thermometer
Garden > Outdoors: acapulco mat, garden parasol, garden shelf, bird house, birdhouse
Garden > Picnic: picnic
Kitchen > Baking: cake case, baking, petit four case, cutter, rolling pin(?! hanger), mould, lolly, pastry brush
Kitchen > Baking: mixing bowl, measuring spoon, kitchen scales, cupcake lace
Party > Favours & Invitations: party (?:bag|cone|charm|invite), cracker
Party > Decorations: bunting, pennant, paper chain, honeycomb, confetti, balloons(?! writing), barrier tape, st george
Party > Tableware: paper (?:cup|plate|napkin), doilies, straws, disposable, cocktail, 20 napkins
Lighting > Candle Holders: (?:t-light|tealight|candle|votive) holder, candleholder, for candle
Lighting > Candle Holders: candle ?(?:plate|stick|stand|pot|bowl), hanging t-light, t-light (?:glass|set|setting)
Home > Fragrance: incense, oil burner, fragrance oil, scented (?:hanging|flower|fabric), scent heart, pot pouri
Lighting > Candles: candle, t-light, tea ?light
Lighting > String Lights: lights, light chain, light garland, 20 light, fairy light
Home > Clocks: clock
Lighting > Lamps & Lanterns: lamp, lampshade, (?:night|bedside|table) light, lantern, chandelier, torch, lightbulb
Home > Boards & Organisers: (?:black|memo|chalk) ?board, organiser, tidy, letter (?:rack|tray), (?:card|letter) ?holder
Stationery > Stickers & Tape: sticker, tape, tattoo
Home > Photo Frames & Albums: frame, photoframe, photo (?:album|cube|clip)
Kitchen > Linen: tea towel, apron, oven (?:glove|mitt), table ?cloth, cotton napkin, (?:tea|egg|mug) cosy, egg warmer
Stationery > Pens & Pencils: pen, pencil, eraser, (?:doggy|down|circular) rubber, chalk, crayon, ruler, calculator
Stationery > Cards: cards?, postcard, notelet
Stationery > Desk: paperweight, hole punch, stationery, writing set, envelope 50, book mark, calendar
Home > Bathroom: bath(?:room)? (?:sponge|set|scales|hook|bottle|salt), soap, towel, flannel, shower cap, wash bowl
Home > Laundry: peg bag, (?:clothes|dolly|flower) peg, ironing, (?:clothes|padded) hanger
Kitchen > Cake Stands & Covers: cake ?stand, cake (?:plate|cover|carrier), cloche, bell jar
Home > Furniture: cabinet, chest (?:of|7|natural), cupboard, stool, chair, shelf, sideboard, pouffe, magazine rack
Kitchen > Storage: tin, jar, jam pot, bread bin, biscuit b(?:in|arrel), popcorn holder, recipe, egg house, egg basket
Kitchen > Storage: snack box, food container, caddy, (?:tea|coffee) container, milk bottle, jam making
Kitchen > Tea & Coffee: teapot, tea (?:set|for one|plate|bag), tea ?spoon, saucer, coffee set, strainer, milk jug, sugar
Kitchen > Mugs & Glasses: mug, beaker, tumbler, goblet, chalice, (?:polkadot|retrospot|shape) cup, glass$, tea glass
Kitchen > Cookware & Utensils: (?:frying|milk|egg) pan, ladle, colander, chopping board, spatula, whisk, corer
Kitchen > Cookware & Utensils: wooden spoon, utensil, pizza dish, washing up, food cover, chopstick, squeezer
Kitchen > Tableware: plate, bowl, platter, dish, egg (?:cup|spoon|holder), jug, placemat, coaster, napkin, tray
Kitchen > Tableware: place setting, toastrack, cutlery, cake (?:fork|slice), salt and pepper
Home > Mirrors: mirror
Home > Hooks & Hangers: hook, hanger, coat rack, coathanger
Home > Soft Furnishings: cushion, throw, quilt, filler pad, curtain
Home > Storage & Baskets: storage, treasure chest, (?:keepsake|book|oval|nesting) box, oval basket, waste(?:paper)? bin
Home > Tissues: tissue
Home > Decorations: decoration, hanging heart, wreath, garland, mobile, wicker, quilted, felt heart, trellis, filigree
Home > Decorations: (?:crystal|pearl) heart, (?:hanging|acrylic) jewel, hen house, laurel, parasol, ornament
"""


class Line(NamedTuple):
    """One clean invoice line; `price` is what one piece cost, in pounds."""

    ts: str
    session: str
    item: str
    user: str
    quantity: int
    price: float
    description: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("raw", type=Path, help="UCI's Online Retail as a gzipped CSV")
    parser.add_argument("outdir", type=Path, help="where items.csv.gz and events.csv.gz go")
    args = parser.parse_args()
    lines = read_lines(args.raw)
    args.outdir.mkdir(parents=True, exist_ok=True)
    write(args.outdir / "items.csv.gz", "id,title,category,price,currency,created_at", item_rows(lines))
    write(args.outdir / "events.csv.gz", "ts,user,session,item,quantity,value", event_rows(lines))


def read_lines(path: Path) -> list[Line]:
    """Products bought by known customers, oldest first; equal lines count once."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return sorted({to_line(row) for row in csv.DictReader(file) if is_clean(row)})


def is_clean(row: dict[str, str]) -> bool:
    """False for cancellations, strangers, gifts, returns, and codes that stand for no product."""
    known = row["CustomerID"] and not row["InvoiceNo"].startswith("C")
    paid = float(row["Quantity"]) > 0 and float(row["UnitPrice"]) > 0
    product = re.match(r"\d{5}", row["StockCode"]) and row["Description"].strip().upper() not in SERVICES
    return bool(known and paid and product)


def to_line(row: dict[str, str]) -> Line:
    """Reads ISO times and the American ones of UCI's own CSV, whole numbers with and without `.0`."""
    when = row["InvoiceDate"]
    ts = datetime.strptime(when, "%m/%d/%Y %H:%M") if "/" in when else datetime.fromisoformat(when)
    user, quantity, price = int(float(row["CustomerID"])), int(float(row["Quantity"])), float(row["UnitPrice"])
    item, text = row["StockCode"].upper(), " ".join(row["Description"].upper().split())
    return Line(ts.isoformat(" "), row["InvoiceNo"], item, str(user), quantity, price, text)


def item_rows(lines: Iterable[Line]) -> Iterator[tuple[str, ...]]:
    """One row a stock code: the commonest description, the median price paid, when it first sold."""
    by_item: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_item[line.item].append(line)
    for item, sold in sorted(by_item.items()):
        counts = Counter(line.description for line in sold)
        title = natural_title(min(counts, key=lambda text: (-counts[text], -len(text), text)))
        yield item, title, category(title), f"{median(line.price for line in sold):.2f}", "GBP", sold[0].ts


def pairs(table: str, separator: str) -> list[tuple[str, str]]:
    entries = (entry.partition(separator) for entry in re.split(r";\s+|\n", table.strip()))
    return [(left, right) for left, _, right in entries]


def natural_title(text: str) -> str:
    """`SET/6 RED SPOTTY PAPER CUPS` -> `Set of 6 Red Spotty Paper Cups`."""
    text = " ".join(text.replace("+", " AND ").replace(",", " , ").split()).replace(" ,", ",").strip(" ,.")
    for pattern, replacement in pairs(PATTERNS, "→"):
        text = re.sub(pattern, replacement, text)
    words = dict(pairs(WORDS, "→"))
    return TOKEN.sub(natural_word, TOKEN.sub(lambda match: words.get(match[0], match[0]), text))


def natural_word(match: re.Match[str]) -> str:
    kept = {word.upper(): word for word in KEEP}
    inside = match.end() < len(match.string) and re.search(r"[^,] $", match.string[: match.start()])
    word = match[0].lower()
    return word if inside and word in SMALL else kept.get(match[0], word.capitalize())


def category(title: str) -> str:
    """Levels joined by ` > `, or nothing where no keyword fits."""
    for name, words in pairs(CATEGORIES, ": "):
        if re.search(rf"\b(?:{words.replace(', ', '|')})(?:e?s)?\b", title, re.IGNORECASE):
            return name
    return ""


def event_rows(lines: Iterable[Line]) -> Iterator[tuple[object, ...]]:
    """One row an item of a basket, oldest first; `value` is the unit price paid (the mean where it varied)."""
    bought: defaultdict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        bought[line.user, line.session, line.item].append(line)
    for (user, session, item), same in bought.items():
        quantity = sum(line.quantity for line in same)
        value = sum(line.quantity * line.price for line in same) / quantity
        yield same[0].ts, user, session, item, quantity, f"{value:.2f}"


def write(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    """A gzipped CSV, as small as gzip can, whose bytes depend on nothing but its name and rows."""
    with gzip.GzipFile(path, "wb", mtime=0) as packed, io.TextIOWrapper(packed, "utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows([header.split(","), *rows])


if __name__ == "__main__":
    main()
