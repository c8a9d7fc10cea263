"""Names, kinds and claims that a reviewer found wrong: who is offered a dish with them, and who is not."""

from __future__ import annotations

from components.domain.diet import DishFacts, read_restrictions
from tests.domain.diet import both_ways
from tests.tables import whole_table

LISTED = """
    Fleischsalat: eggs, mustard, milk, celery; Matjessalat: fish, eggs, mustard; arroz negro: molluscs, fish
    fideuá: crustaceans, molluscs, fish; mole poblano: tree nuts, sesame, peanuts; suya: peanuts
    ssamjang: sesame; wakame salad: sesame, soy; croccante: tree nuts, peanuts; lemon cheese: eggs, milk
    chile relleno: milk, eggs; Tafelspitz: celery; boeuf bourguignon: celery, gluten; poha: mustard, peanuts
    suet pudding: gluten; oyster mushroom sauce: molluscs, soy, gluten; orange chicken: gluten; idli: mustard
    callaloo: crustaceans; rendang: fish; gochujang: sesame; muhammara: sesame; hollandaise: mustard
    gravlax: mustard; tuna salad: celery; chicken salad: celery; Kartoffelpüreeflocken: sulphites
    lemon juice concentrate: sulphites; jarred horseradish: sulphites; 🌾: gluten; suya spice: peanuts
"""
NAMED = """
    Cheeseburger: milk; Scotch egg: eggs; Eierkuchen: eggs; Käsespätzle: eggs; pasta all'uovo: eggs
    Kaiserschmarrn: eggs, milk; Palatschinken: eggs, milk; crêpes: eggs, milk; waffles: eggs
    bread and butter pudding: milk; Flammkuchen: milk; Krebsfleisch: crustaceans; Egli: fish; Eglifilet: fish
    tarama: fish; Eischnee: eggs; dukka: tree nuts, sesame; frangipani: tree nuts; Bienenstich: tree nuts
    Mostrich: mustard; Tsatsiki: milk; Liptauer: milk; aligot: milk; saté: peanuts; kalamari: molluscs
    insalata di mare: molluscs, crustaceans; Spritzer: sulphites; Buchteln: gluten; Berliner: gluten
    Kasnocken: gluten, milk; Vanillekipferl: tree nuts; Salzburger Nockerl: eggs; pain perdu: gluten, milk
    dacquoise: tree nuts; puntillitas: molluscs; cañaíllas: molluscs; tartufi di mare: molluscs
    bourride: fish; marmitako: fish; poutargue: fish; Esterházytorte: tree nuts; paris-brest: eggs, milk
    anchoïade: fish; cantuccini: tree nuts; tarta de Santiago: tree nuts; battenberg: tree nuts
"""
KINDS = """
    tomato: butter chicken, Bloody Mary; coconut: piña colada; rice: tteok; banana: fufu; lentil: vada
    chickpea: dhokla; maize: masa, huitlacoche; orange: zeste, Aperol; lemon: ceviche, Sauce Hollandaise
    onion: pissaladière, Lyoner Kartoffeln; garlic: Boursin, merguez, escargots; carrot: gelbe Rüben
    poppy: Mohn, poppy seeds; coeliaque: wheat flour; celiaquía: harina de trigo; celiaco: farina di frumento
"""
AVOIDED = """
    prawns: Garnelen; anchovies: Sardellen; mussels: moules; squid: calamares; octopus: pulpo
    oysters: huîtres; walnuts: Walnüsse; horse: Pferd; pepper: Pfeffer; cream: Obers; tomato: Paradeiser
    corn: Kukuruz; horseradish: Kren; apricot: Marille; mushroom: Schwammerl; cauliflower: Karfiol
    plum: Zwetschke; currant: Ribisel; radish: Radieschen; artichoke: Artischocke; truffle: Trüffel
    Brussels sprouts: Rosenkohl; Kuhmilch: Milch, Butter, Käse; cow's milk: milk, cream
"""
DOUBTED = """
    bread with or without gluten; Brot mit oder ohne Gluten; pain avec ou sans gluten
    pane con o senza glutine; pan con o sin gluten; Brot nie ohne Gluten
    pane mai senza glutine; pain jamais sans gluten
    bread no longer gluten free; bread also without gluten; Brot auch ohne Gluten; Brot glutenfrei erhältlich
    Brot glutenfrei bestellbar; bread, gluten removed, gluten-free; pan nunca sin gluten
"""
STILL_CLAIMED = """
    bread without gluten; Brot ohne Gluten; pain sans gluten; pane senza glutine; pan sin gluten
    bread free from gluten; gluten-free bread; glutenfreies Brot; pan de molde sin gluten
"""
OF_GOATS = """
    goat cheese without cow's milk; Ziegenkäse ohne Kuhmilch; fromage de chèvre sans lait de vache
    formaggio di capra senza latte vaccino; queso de cabra sin leche de vaca; cow's milk-free goat cheese
    sheep cheese free from cow milk protein
"""
ROASTED = """
    Poulet rôti; Saumon rôti; Légumes rôtis; Bœuf rôti; Porc rôti; Canard rôti; Agneau rôti; Dinde rôtie
    Rôti de porc; Rôti de bœuf; Rôti de veau
"""
PLAIN = "Karfiol; Paradeiser; Schwammerl; Ribisel; jitomate; chícharo; granoturco; pavot; Zitrusfrüchte"


def listed(cases: str) -> list[str]:
    return [case.strip() for line in cases.strip().splitlines() for case in line.split(";")]


def pairs(cases: str) -> list[tuple[str, str]]:
    parted = [case.split(": ") for case in listed(cases)]
    return [(first, other) for first, others in parted for other in others.split(", ")]


def is_offered(
    name: str = "Dish",
    *ingredients: str,
    declared: tuple[str, ...] | None = None,
    diet: str = "",
    allergy: str = "",
    avoided: str = "",
) -> bool:
    dish = DishFacts("d", name, ingredients=ingredients, allergens=declared)
    return both_ways.is_offered(dish, read_restrictions(diet, [allergy], [avoided]))


@whole_table("ingredient group", pairs(LISTED))
def test_an_ingredient_is_not_free_of_what_it_holds_or_often_holds(ingredient: str, group: str) -> None:
    assert not is_offered("Dish", ingredient, allergy=group)


@whole_table("name group", pairs(NAMED))
def test_a_name_speaks_against_a_declaration_that_lacks_the_group(name: str, group: str) -> None:
    assert not is_offered(name, declared=("lupin",), allergy=group)


@whole_table("name", ["Vegan Cheeseburger", "Veganer Cheeseburger", "vegane Palatschinken"])
def test_a_claim_before_the_name_still_takes_milk_back(name: str) -> None:
    assert is_offered(name, declared=("gluten",), allergy="milk")


@whole_table("allergy food", pairs(KINDS))
def test_a_kind_is_kept_from_who_is_allergic_to_its_food(allergy: str, food: str) -> None:
    assert not is_offered("Dish", food, allergy=allergy)
    assert not is_offered(food, "spinach", allergy=allergy)
    assert is_offered("Dish", "spinach", "salt", allergy=allergy)


@whole_table("avoided food", pairs(AVOIDED))
def test_an_avoided_word_is_looked_for_in_other_languages(avoided: str, food: str) -> None:
    assert not is_offered("Dish", food, avoided=avoided)
    assert is_offered("Dish", "spinach", avoided=avoided)


@whole_table("ingredient", listed(DOUBTED))
def test_a_word_of_doubt_voids_a_claim(ingredient: str) -> None:
    assert not is_offered("Dish", ingredient, allergy="gluten")


@whole_table("ingredient", listed(STILL_CLAIMED))
def test_a_claim_without_such_a_word_still_holds(ingredient: str) -> None:
    assert is_offered("Dish", ingredient, allergy="gluten")


def test_a_word_of_doubt_is_not_found_inside_of_a_name() -> None:
    assert is_offered("Maialino", "pane senza glutine", allergy="gluten")
    assert is_offered("Piemonteser Niedrigtemperatur", "Brot ohne Gluten", allergy="gluten")


@whole_table("ingredient", listed(OF_GOATS))
def test_no_milk_of_cows_is_not_no_milk(ingredient: str) -> None:
    assert not is_offered("Dish", ingredient, allergy="milk")
    assert not is_offered("Dish", ingredient, diet="lactose-free")


@whole_table("name", listed(ROASTED))
def test_what_is_roasted_in_french_is_no_indian_bread(name: str) -> None:
    assert is_offered(name, declared=("fish",), allergy="gluten")
    assert is_offered("Dish", name, allergy="gluten")


def test_indian_bread_holds_gluten() -> None:
    assert not is_offered("Butter roti", declared=("milk",), allergy="gluten")


@whole_table("ingredient", ["Schillerlocke", "Pangasius", "cola de rape"])
def test_fish_without_scales_is_not_kosher_style(ingredient: str) -> None:
    assert not is_offered("Dish", ingredient, diet="kosher-style")


def test_beans_are_vegetarian_unless_they_are_of_boston() -> None:
    assert is_offered("Dish", "baked beans", diet="vegetarian")
    assert not is_offered("Dish", "Boston baked beans", diet="vegetarian")


def test_a_dash_of_lemon_is_no_drink() -> None:
    assert is_offered("Dish", "1 Spritzer Zitronensaft", diet="halal")
    assert not is_offered("Dish", "Spritzer", diet="halal")


@whole_table("food", listed(PLAIN))
def test_a_name_of_the_kinds_is_known_as_an_ingredient_and_as_an_allergy(food: str) -> None:
    assert is_offered("Dish", food, allergy="milk")
    assert not is_offered("Dish", food, allergy=food)
    assert is_offered("Dish", "spinach", allergy=food)
