import type { Random } from "../random.js";

/** Which part of the synthetic world: no name, value or question phrasing of one split occurs in another. */
export type Split = "pretrain" | "train" | "test";
export const splits = ["pretrain", "train", "test"] as const satisfies readonly Split[];

const lists = {
  person: `Ada Alma Amir Anton Asta Aylin Bela Boris Bruna Carl Celia Chidi Cora Cyrus Dalia Dario Dina Edith Elias Emil Enzo
    Erik Esra Fatima Felix Fiona Gavin Gita Goran Greta Hana Hassan Hector Hilda Hugo Ida Igor Ilse Imran Ines Irma Ivo
    Jana Jasper Jonas Juno Kaya Kemal Klara Kofi Lars Leila Leon Lena Lina Luca Magda Malik Marta Matteo Mila Milan Mina
    Miriam Nadia Naomi Niels Nina Noah Nora Olga Omar Oscar Otto Paula Pavel Petra Piotr Priya Rafael Rania Ravi Rosa
    Ruben Saida Samir Sanna Sara Selma Simon Sven Tamar Tara Theo Tilda Tomas Uma Ursula Vera Viktor Wanda Xenia Yara
    Yusuf Zara Zoran Abel Agnes Bashir Clara Dmitri Elif Fabio Gustav Helena Isak Jorge`,
  city: `Oslo Rome Lima Cairo Delhi Seoul Tokyo Hanoi Accra Quito Berlin Madrid Lisbon Vienna Prague Warsaw Dublin Athens
    Zurich Geneva Milano Naples Turin Genoa Porto Seville Malaga Bilbao Lyon Nantes Lille Dresden Bremen Hamburg Munich
    Cologne Leipzig Gdansk Krakow Riga Vilnius Tallinn Helsinki Bergen Malmo Aarhus Odense Utrecht Leiden Ghent Bruges
    Boston Denver Austin Seattle Chicago Dallas Houston Miami Toronto Ottawa Calgary Halifax Bogota Medellin Cusco
    Santiago Rosario Brasilia Recife Nairobi Kampala Lagos Tunis Rabat Muscat Doha Amman Beirut Baku Tbilisi Almaty
    Mumbai Chennai Dhaka Manila Jakarta Busan Osaka Kyoto Nagoya Perth Hobart`,
  job: `nurse tutor baker plumber pilot lawyer dentist carpenter chef barber florist farmer tailor butcher welder painter
    actor editor librarian electrician architect surgeon firefighter journalist translator cashier waiter bartender
    mechanic miner fisherman gardener janitor postman driver sailor soldier judge banker broker accountant auditor clerk
    secretary receptionist pharmacist optician paramedic midwife therapist psychologist chemist physicist biologist
    geologist astronomer engineer programmer designer photographer sculptor dancer singer composer conductor director
    producer novelist poet curator roofer mason glazier locksmith jeweller cobbler potter blacksmith brewer`,
  animal: `dog cat rabbit hamster parrot canary goldfish turtle tortoise ferret lizard gecko iguana snake hedgehog horse pony
    donkey goat sheep pig llama alpaca chicken duck goose ostrich pigeon dove finch budgie cockatoo macaw owl falcon hawk
    raven crow magpie mouse rat gerbil chinchilla squirrel mole weasel otter beaver fox wolf lynx monkey lemur frog toad
    newt salamander axolotl crab lobster shrimp snail spider tarantula scorpion cricket beetle mantis moth bee carp koi
    guppy tetra betta eel peacock pheasant quail swan`,
  instrument: `cello violin viola piano guitar flute oboe clarinet bassoon trumpet trombone tuba horn harp lute banjo mandolin
    ukulele accordion harmonica organ harpsichord drums bongos congas marimba xylophone vibraphone glockenspiel
    tambourine triangle cymbals gong bagpipes recorder piccolo saxophone cornet bugle flugelhorn euphonium sousaphone
    didgeridoo sitar tabla sarod veena erhu pipa guzheng koto shamisen shakuhachi oud qanun santur saz bouzouki
    balalaika domra zither dulcimer cimbalom lyre kora balafon djembe kalimba theremin synthesizer keyboard fiddle bass
    concertina bandoneon melodica ocarina panpipes charango cajon`,
  hobby: `knitting sewing weaving quilting embroidery crochet painting drawing sketching pottery origami calligraphy carving
    woodworking juggling magic chess poker bridge darts billiards bowling archery fencing boxing judo karate wrestling
    yoga pilates running cycling hiking climbing skiing skating surfing sailing rowing kayaking diving swimming fishing
    birdwatching stargazing astronomy photography filmmaking blogging podcasting reading writing acting dancing singing
    baking brewing cheesemaking beekeeping foraging gardening camping caving orienteering geocaching parkour
    skateboarding snowboarding badminton tennis squash golf cricketing volleyball handball hockey rugby curling karting`,
  food: `pizza lasagna risotto ravioli gnocchi carbonara minestrone paella gazpacho tortilla tapas churros quiche ratatouille
    fondue raclette crepes croissants schnitzel goulash pierogi borscht stroganoff dumplings ramen sushi sashimi tempura
    udon soba teriyaki miso kimchi bibimbap bulgogi pho curry biryani samosas dosa naan paneer dal kebab falafel hummus
    shawarma tabbouleh couscous tagine moussaka souvlaki baklava tacos burritos enchiladas quesadillas guacamole
    ceviche empanadas feijoada burgers meatballs meatloaf brisket ribs chowder gumbo jambalaya pancakes waffles omelette
    porridge lentils stew casserole coleslaw cheesecake brownies tiramisu`,
  car: `Volvo Saab Audi Opel Fiat Lancia Skoda Seat Dacia Renault Peugeot Citroen Toyota Honda Mazda Nissan Subaru Suzuki
    Mitsubishi Lexus Infiniti Acura Daihatsu Isuzu Hyundai Kia Genesis Ford Chevrolet Dodge Chrysler Cadillac Buick
    Pontiac Lincoln Jeep Tesla Rivian Lucid Hummer Jaguar Bentley Lotus Morgan Aston Rover Mini Vauxhall Triumph Porsche
    Mercedes Smart Maybach Volkswagen Trabant Wartburg Lada Moskvich Zastava Yugo Tatra Ferrari Maserati Lamborghini
    Bugatti Pagani Koenigsegg Polestar Geely Chery Haval Tata Mahindra Maruti Proton Perodua Holden Studebaker Packard
    Plymouth`,
  language: `Welsh Irish Breton Basque Catalan Galician Spanish French Italian German Dutch Danish Swedish Finnish Icelandic
    Norwegian Estonian Latvian Lithuanian Polish Czech Slovak Slovene Croatian Serbian Bosnian Bulgarian Romanian
    Hungarian Albanian Greek Turkish Russian Ukrainian Georgian Armenian Hebrew Arabic Persian Kurdish Pashto Urdu Hindi
    Bengali Punjabi Gujarati Marathi Tamil Telugu Kannada Malayalam Sinhala Nepali Tibetan Burmese Thai Khmer Vietnamese
    Malay Javanese Tagalog Mandarin Cantonese Japanese Korean Mongolian Kazakh Uzbek Swahili Zulu Xhosa Yoruba Igbo
    Hausa Amharic Somali Maori Samoan Hawaiian Quechua Guarani Nahuatl Latin`,
  plant: `tomatoes potatoes carrots onions garlic leeks beans peas lentil spinach lettuce cabbage kale broccoli cauliflower
    radishes turnips beetroot pumpkins cucumbers peppers chillies aubergines artichokes asparagus celery fennel parsley
    basil thyme rosemary oregano sage mint dill coriander lavender roses tulips daffodils crocuses lilies irises
    orchids peonies dahlias asters daisies sunflowers marigolds pansies violets begonias geraniums hydrangeas azaleas
    magnolias camellias cacti ferns mosses ivy bamboo strawberries raspberries blueberries blackberries gooseberries
    currants cherries apples pears plums peaches apricots figs grapes melons lemons olives`,
  collection: `stamps coins medals badges buttons postcards posters maps globes clocks watches compasses lamps candles mugs
    teapots spoons thimbles plates vases bottles corks matchboxes lighters pens pencils notebooks bookmarks comics novels
    records cassettes photographs paintings sculptures masks puppets dolls marbles dice puzzles kites trains robots
    ships planes rockets fossils minerals crystals meteorites shells feathers butterflies acorns leaves seeds keys
    locks swords shields helmets flags hats ties scarves gloves shoes bracelets rings brooches beads fans umbrellas
    baskets bells whistles magnets stickers`,
  place: `Iceland Norway Sweden Denmark Finland Estonia Latvia Lithuania Poland Germany France Spain Portugal Italy Malta
    Greece Cyprus Turkey Bulgaria Romania Serbia Croatia Slovenia Hungary Austria Belgium Ireland Scotland Wales Jersey
    Morocco Algeria Tunisia Egypt Kenya Uganda Tanzania Zambia Botswana Namibia Ghana Senegal Ethiopia Madagascar
    Mauritius Oman Jordan Lebanon Israel Iran Armenia India Nepal Bhutan Myanmar Thailand Laos Cambodia Vietnam Malaysia
    Singapore Indonesia Philippines China Mongolia Korea Japan Australia Tasmania Fiji Samoa Tonga Canada Alaska Mexico
    Guatemala Belize Honduras Panama Cuba Jamaica Peru Chile`,
  subject: `algebra geometry calculus statistics logic physics chemistry biology botany zoology genetics ecology geology
    meteorology oceanography geography history archaeology anthropology sociology psychology philosophy ethics theology
    linguistics literature poetry rhetoric journalism law politics economics accounting marketing finance management
    nursing anatomy nutrition pharmacology dentistry surgery acupuncture massage meditation mindfulness robotics
    electronics mechanics programming cryptography cybersecurity networking databases animation illustration typography
    architecture carpentry masonry welding plumbing upholstery tailoring millinery jewellery glassblowing ceramics
    bookbinding printmaking cooking pastry mixology winemaking floristry landscaping farming forestry navigation
    aviation`,
  thing: `tent kayak bicycle scooter motorbike dashcam backpack suitcase hammock telescope microscope camera tripod printer
    scanner laptop tablet monitor projector speaker headset radio gramophone television fridge freezer oven stove
    microwave toaster kettle blender mixer juicer dishwasher vacuum heater fan humidifier sofa armchair desk bookcase
    wardrobe mattress rug mirror lantern chandelier curtain ladder drill hammer axe chisel lathe anvil wheelbarrow
    lawnmower greenhouse shed trampoline treadmill barbell surfboard snowboard skateboard paddle wetsuit canoe dinghy
    raincoat overcoat tuxedo necklace wristwatch chessboard drone sandbox pram`,
  petName: `Koba Rex Bello Fido Luna Misty Shadow Ziggy Pepper Biscuit Waffle Noodle Pickles Mocha Latte Cocoa Truffle Nugget
    Peanut Cashew Pistachio Ginger Nutmeg Cinnamon Saffron Clover Willow Hazel Maple Aspen Birch Rowan Thistle Bramble
    Pebble Rocky Flint Jade Onyx Ruby Opal Topaz Amber Comet Nova Orion Sirius Vega Pluto Mars Saturn Titan Zeus Apollo
    Hermes Athena Hera Thor Odin Loki Freya Bilbo Frodo Merlin Gandalf Sparky Scout Ranger Bandit Smokey Snowy Patches
    Whiskers Socks Mittens Boots Tiger Domino Checkers Bingo Tango`,
  company: `Acmion Altrix Arvella Axonite Belform Bexley Brightco Calderon Cenova Cirrex Cordelia Corvane Dextral Dynavox Elmond
    Envira Epsilar Everdon Fenwick Finexa Forgeon Fulmar Galvani Gentrix Glenmore Gravitas Halcyon Harwell Hexagone
    Hydronix Imperia Indigon Innotek Ironvale Juniper Kelmor Kestrel Kinetix Korvus Lanark Lumenis Luxora Magnetar
    Maridian Mercator Mondrago Nebulon Nexora Nimbus Norvane Octavian Omnicor Orbitron Orlando Paragon Pentland Pinnacle
    Polaris Quantix Quorum Radiant Redfern Rivendel Sablecor Salient Sentinel Solaris Stratos Sylvan Synerga Tectona
    Telmark Tundra Ulmaris Unicorn Valeron Vantage Vertex Westmark Wexford Xylon Zephyr Zenitar`,
} as const;

export type LexiconKind = keyof typeof lists;
const properNouns: ReadonlySet<LexiconKind> = new Set([
  "person",
  "city",
  "car",
  "language",
  "place",
  "petName",
  "company",
]);

/** Values of one kind in one split; the three pools of a kind are disjoint. */
export function pool(kind: LexiconKind, split: Split): readonly string[] {
  return pools[kind][split];
}

function words(kind: LexiconKind): string[] {
  return lists[kind].split(/\s+/);
}

const kinds = Object.keys(lists) as LexiconKind[];

function partition(kind: LexiconKind): Record<Split, readonly string[]> {
  const part = (wanted: number): string[] => words(kind).filter((_, i) => i % splits.length === wanted);
  return { pretrain: part(0), train: part(1), test: part(2) };
}

const pools = Object.fromEntries(kinds.map((kind) => [kind, partition(kind)])) as {
  readonly [K in LexiconKind]: Record<Split, readonly string[]>;
};

const allWords: ReadonlySet<string> = new Set(kinds.flatMap((kind) => words(kind).map((word) => word.toLowerCase())));

/** Kinds of values that the world has. */
export const lexiconKinds: readonly LexiconKind[] = kinds;

const onsets = "b c d f g h j k l m n p r s t v w z br cr dr fl gr kl pl pr sh sk sl st th tr".split(" ");
const vowels = "a e i o u a e i o ai ea io ou".split(" ");
const codas = ["", "", "", "", "n", "r", "l", "s", "m", "k", "t", "nd", "x"];

/** An invented word that is in no pool: what is never seen twice has to be copied, not remembered. */
export function pseudoWord(random: Random): string {
  const syllables = 2 + random.int(2);
  const word = Array.from(
    { length: syllables },
    (_, i) =>
      random.pick(onsets) + random.pick(vowels) + (i === syllables - 1 || random.chance(0.2) ? random.pick(codas) : ""),
  ).join("");
  return allWords.has(word) ? pseudoWord(random) : word;
}

/** Share of invented words among the values of the pretraining split. */
const pseudoShare = 0.5;

/** A value of a kind; in the pretraining split half of them are invented words. */
export function drawValue(random: Random, kind: LexiconKind, split: Split): string {
  if (split !== "pretrain" || !random.chance(pseudoShare)) return random.pick(pool(kind, split));
  const word = pseudoWord(random);
  return properNouns.has(kind) ? word.charAt(0).toUpperCase() + word.slice(1) : word;
}
