"""Allergies beside the 14 groups: no name or kind of a food is offered, and nothing where no row has it."""

from __future__ import annotations

from benchmarks.allergens import labelled_dishes
from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.dictionary import dictionary, lines
from components.domain.diet.letters import fold
from tests.domain.diet.both_ways import offered, parted
from tests.tables import whole_table

LANGUAGES = ("en", "de", "fr", "it", "es")
ROWS = [line[:5] for line in lines("kinds")]
KINDS = {
    "buckwheat": "soba; kasha; blé noir; saraceno; alforfón; pizzoccheri; Buchweizenmehl",
    "rice": "basmati; arborio; risotto; sushi; mochi; paella; Risottoreis; arroz; riso; riz",
    "cocoa": "Schokolade; chocolat; cioccolato; chocolate chips; brownie",
    "linseed": "flaxseed; Leinsamen; graines de lin; semi di lino; linaza",
    "lentil": "dhal; Linsen; lentilles; lenticchie; lentejas",
    "banana": "plantain; Bananen; bananes; plátano",
    "pea": "mangetout; sugar snap; sugar snap peas; Zuckerschoten; pois cassé; petits pois; guisantes",
    "chickpea": "chana; hummus; Kichererbsen; pois chiches; ceci; garbanzos; falafel; gram flour",
    "pepper": "Pfeffer; poivre; pepe; pimienta; black pepper; Paprika",
    "chili": "jalapeño; cayenne; habanero; piment; guindilla; peperoncino",
    "mushroom": "truffle; enoki; Kräuterseitling; shimeji; champignons; setas; funghi porcini; porcini; "
    "shiitake; Pfifferlinge; mixed mushrooms",
    "champignon": "cèpes; girolles",
    "onion": "shallot; Schalotten; échalotes; scalogno; chalota; scallion; leek; Lauch; poireaux; puerro",
    "hemp": "Hanfsamen; chanvre; canapa; cáñamo",
    "pectin": "E440; Pektin; jam",
    "msg": "E621; Glutamat; glutammato; stock cube",
    "gelatine": "gelatine; Gelatine; panna cotta",
    "pork": "bacon; Schinken; gelatine; lardons",
    "tomato": "salsa; gazpacho; ratatouille; Paradeiser; pomodorini; ketchup; passata; pizza sauce; marinara",
    "Zwiebel": "onion; shallot; cipolla; poireau",
    "basmati": "rice; Reis; risotto",
    "échalote": "onion; shallot; Zwiebel",
    "citrus": "clementine; limoncello; Blutorange; pomelo; orange; Zitrone; lime; fruit juice",
    "vinegar": "Essig; aceto balsamico; ketchup; gherkins",
    "sushi": "rice; Reis",
    "chocolate": "Kakao; cocoa; brownie",
    "potato": "fries; Pommes; gnocchi; hash browns; patatas fritas",
    "Steinobst": "Pfirsich; cherry; Zwetschgen; compote",
    "maize": "sweetcorn; polenta; popcorn; tortilla chips",
    "garlic": "aioli; aïoli",
    "kiwi": "fruit salad; fruit; Obst; Obstsalat; macedonia; salade de fruits; smoothie; sorbet; jam",
    "carrot": "mixed vegetables; Gemüse; légumes; verdure; salad",
    "cinnamon": "spices; Gewürze; épices; spezie; especias",
    "basil": "herbs; Kräuter; herbes de provence",
}


def is_offered(allergy: str, ingredient: str) -> bool:
    return offered("Dish", f"{ingredient}; salt", allergies=allergy)


@whole_table(
    "allergy kind", [(allergy, kind) for allergy, kinds in KINDS.items() for kind in kinds.split("; ")]
)
def test_a_kind_or_a_mixture_is_kept_from_who_is_allergic_to_the_food(allergy: str, kind: str) -> None:
    assert not is_offered(allergy, kind)


@whole_table("row", ROWS)
def test_each_word_of_a_row_is_kept_from_who_is_allergic_to_any_name_of_it(row: list[str]) -> None:
    names = [cell.partition("|")[0].split(";")[0] for cell in row]
    words = [word for cell in row for word in cell.replace("|", ";").split(";") if word]
    assert all(names)
    for name in names:
        assert [word for word in words if is_offered(name, word)] == [], name


def test_the_table_is_complete() -> None:
    first = [row[0].partition("|")[0].split(";")[0] for row in ROWS]
    assert len(set(first)) == len(first) >= 100
    for *cells, source in lines("kinds"):
        assert len(cells) == len(LANGUAGES)
        assert source == "KNOWN"


@whole_table("allergy", ["celtuce", "sugar", "yam", "samphire", "fresh", "A to C", "salt", "E102"])
def test_an_allergy_that_no_row_has_keeps_every_dish_out(allergy: str) -> None:
    assert not is_offered(allergy, "rice")


@whole_table("mixture", ["carbonara", "gremolata", "apple pie", "onion rings", "sriracha", "paella"])
def test_who_has_such_an_allergy_is_offered_no_mixture(mixture: str) -> None:
    assert not is_offered("kiwi", mixture)


def test_the_other_dishes_are_offered_to_most_such_people() -> None:
    dishes = [labelled.dish for labelled in labelled_dishes()]
    for allergy in ("kiwi", "banana", "linseed", "Pilz", "sarrasin", "lenticchia", "miel"):
        assert len(permitted(dishes, read_restrictions("", [allergy], []))[0]) > 2 / 3 * len(dishes), allergy


def test_an_avoided_word_needs_no_row() -> None:
    dish = DishFacts("d", "Dish", ingredients=("rice",))
    assert permitted([dish], read_restrictions("", [], ["celtuce"]))[0] == (dish,)


def test_words_of_the_table_can_be_read() -> None:
    words = [word for row in ROWS for cell in row for word in parted(cell.replace("|", ";"))]
    assert [word for word in words if not fold(word)] == []
    assert dictionary().terms["apple pie"].may >= {"mixed"}
