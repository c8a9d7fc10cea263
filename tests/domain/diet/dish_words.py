"""Words of dishes and foods, by what they hold, are against or mean: the cases of test_dishes.py."""

from __future__ import annotations

# What the dictionary once called free of the group, of the diet's substances or of the ingredient.
HOLDS = {
    "gluten": (
        "Grießbrei; Grießpudding; Grießflammeri; Béchamelsoße; Béchamelsauce; mornay sauce; mornay; "
        "cheese sauce; Käsesauce; Käsesoße; Rahmsauce; Sahnesoße; cream sauce; cheddar sauce; alfredo "
        "sauce; sauce à la crème; cream soup; cream of tomato; welsh rarebit; rarebit; torrija; flan "
        "pâtissier; crema pasticcera; crema pastelera; Nussschnecke; muhammara; ajoblanco; ajo blanco; "
        "romesco; salsa di noci; gulab jamun; horlicks; ovaltine; Milo; ferrero rocher; branston pickle; "
        "taramasalata; gefilte fish; Backfisch; egg fried rice; etouffee; black vinegar; makgeolli; "
        "agedashi tofu; mapo tofu; inari; eggs benedict; scotch woodcock; Backhendl; Leberknödel; "
        "haggis; pickled onion; oven chips; frozen fries; hash browns; rouille; bouillabaisse; kabayaki "
        "eel; chashu; "
        "Salzstangen; Käsestangen; acini di pepe; mozzarella sticks; Mozzarellasticks; squid rings; "
        "Tintenfischringe; cipolla fritta; zucchine fritte; cebolla frita; rice balls; Käsekugeln; zucchini "
        "rings; protéine végétale; "
        "gebackene Champignons; Kartoffelecken; potato wedges; rice ball; polenta fries"
    ),
    "tree nuts": (
        "Müsli; Birchermüsli; Kuchen; Torte; Keks; Kekse; Gebäck; Plätzchen; Waffel; gâteau; sablé; "
        "torta; crostata; tarta; galleta; bizcocho; pastel; Eis; Eiscreme; gelato; glace; helado; kulfi; "
        "Butterkuchen; financier; princess cake; kibbeh; biryani; mortadella; cheese board; "
        "danish pastry; palak paneer; fudge"
    ),
    "milk": (
        "egg nog; pavlova; potted shrimp; lobster thermidor; thermidor; bisque; crab bisque; bisque de "
        "homard; Hummersuppe; brandade; roux; Mehlschwitze; porridge; Haferbrei; cornbread; "
        "Nussnugatcreme; nutella; ferrero rocher; omelette; Omelett; frittata; Rührei; scrambled eggs; "
        "revuelto; Müsli; Panade; Hefeteig; Teig; Buttergemüse; bread sauce; tarka dal; creamed corn; "
        "Nussschnecke; moules marinieres; kedgeree; praline; gianduja; baba ganoush; Fladenbrot; "
        "puré de patatas; purè di patate; Erdäpfelpüree; écrasé de pommes de terre; potato puree; "
        "Selleriepüree; purée de carottes; puré de calabaza; Kokoskugeln; mozzarella sticks; "
        "cremige Polenta; patata cremosa; gebackener Fenchel"
    ),
    "eggs": (
        "Makrone; Kokosmakrone; Makronen; tonnato; vitello tonnato; prawn cocktail; shrimp cocktail; "
        "Krabbencocktail; gefilte fish; cornbread; Panade; Hefeteig; calisson; Backfisch; glace; helado; "
        "gelato; falafel; gribiche; sorbet; sushi; marzipan; turrón; Käsesauce; manchego; queso "
        "manchego; queso curado; provolone; asiago; montasio; grana; hard cheese; Hartkäse; grated "
        "cheese; Reibekäse; queso rallado; Leberknödel; Tatar; gado gado; "
        "cheese rind"
    ),
    "molluscs": (
        "takoyaki; xo sauce; ceviche; sashimi; okonomiyaki; miso soup; pizza; risotto; Fischfond; poke"
    ),
    "fish": (
        "miso soup; furikake; takoyaki; okonomiyaki; chawanmushi; agedashi tofu; bloody mary; "
        "tamagoyaki; ramen; rouille; scotch woodcock; eggs royale; pissaladière; pizza; sandwich; "
        "ensalada mixta; stock; Brühe; leche de tigre; Tatar; Königsberger Klopse; cafe de paris butter"
    ),
    "crustaceans": (
        "okonomiyaki; takoyaki; risotto; spring roll; dumplings; wonton; egg roll; soup; Suppe; zuppa; "
        "Fischsuppe; sashimi; chawanmushi; krupuk; fish stock; fumet de poisson"
    ),
    "celery": (
        "marmite; soup vegetables; Wurzelgemüse; root vegetables; vegetable juice; Gemüsesaft; jus de "
        "légumes; crudité; bouquet garni; Rohkost; Gemüsestreifen; vegetable sticks; Gemüse; vegetables; "
        "verdure; Frikadelle; Maultaschen; étouffée; cream of tomato; stuffing; bisque; Kartoffelsalat; "
        "risotto; coda alla vaccinara; spices; Gewürze; jollof; "
        "caesar dressing; rice pilaf; bean salad; "
        "sugo di pomodoro; salsa di pomodoro; tomato sauce; sauce tomate; Tomatensauce"
    ),
    "mustard": (
        "old bay; deviled egg; devilled eggs; egg salad; Eiersalat; rollmops; Bismarckhering; welsh "
        "rarebit; Kartoffelsalat; tonnato; Frikadelle; sandwich; spices; Gewürze; beef stroganoff; "
        "singapore noodles; gribiche; raita; "
        "waldorf salad; cauliflower cheese; "
        "cornichons; pickles; Essiggurken; pepinillo; cetriolini; dill pickle; saure Gurken; mango pickle; "
        "salsa di pomodoro"
    ),
    "sesame": (
        "Fladenbrot; Knäckebrot; Roggenbrot; Vollkornbrot; poke; sushi; egg fried rice; gyoza; Zwieback; "
        "Müsli; karaage"
    ),
    "soy": (
        "egg fried rice; furikake; poke; xo sauce; chawanmushi; tamagoyaki; Müsli; Nussnugatcreme; "
        "nutella; sushi; unagi; instant noodles; dumplings; "
        "vegetable protein; hydrolysed vegetable protein; Pflanzeneiweiß; proteína vegetal; cooking spray; "
        "oil spray"
    ),
    "peanuts": (
        "olio per friggere; huile de friture; Frittieröl; Frittierfett; aceite para freír; frying oil; "
        "olio di semi vari; Müsli; marzipan; poke; egg fried rice; "
        "frutta secca mista"
    ),
    "sulphites": (
        "cheese fondue; moules marinieres; risotto; fruit cake; christmas pudding; Sauerbraten; bœuf "
        "bourguignon; puttanesca; sabayon; beurre blanc; preservative; Konservierungsstoff; "
        "trail mix; studentenfutter; caesar dressing; "
        "Apfelringe; apple rings; sugo di pomodoro"
    ),
}  # fmt: skip
# What pork, lard, gelatine or stock is often in.
OF_PORK = (
    "Schnitzel; tonkatsu; Cordon bleu; Frikadellen; Fleischpflanzerl; Bulette; Quiche Lorraine; BLT; "
    "club sandwich; burger; hamburger; Maultaschen; nuggets; cotoletta; lasagne; gyoza; Flammkuchen; "
    "tarte flambée; tartiflette; Bauernomelett; panna cotta; stock; broth; bouillon cube; Brühe; "
    "Brühwürfel; brodo; caldo; samosa; spring roll; empanada; pasty; cornish pasty; ravioli; "
    "tortellini; cannelloni; pierogi; momo; wonton; croque monsieur; sandwich; pizza; burrito; "
    "quesadilla; enchilada; moussaka; reuben; sloppy joe; gravy; sauce; Füllung; stuffing; risotto; "
    "Auflauf; ragoût; stew; ramen; mapo tofu; kibbeh; borek; cheesecake; bavarois; refried beans; "
    "Kartoffelsalat"
)
AGAINST = {
    "vegetarian": (
        f"{OF_PORK}; "
        "beef wellington; beef stroganoff; beef barley soup; southern fried chicken; takoyaki; miso soup; "
        "scotch broth; chow mein; gelling agent; colouring; enzyme; hard cheese; grated cheese; mincemeat; "
        "mince pie; sweets; fruit gums; Fruchtgummi; gum drops; Bratkartoffeln; Apfelrotkohl"
    ),
    "pescatarian": (
        f"{OF_PORK}; "
        "beef wellington; southern fried chicken; Hartkäse"
    ),
    "halal": (
        f"{OF_PORK}; "
        "Eierlikör; advocaat; cheese fondue; rum baba; baba au rhum; Black Forest gateau; Schwarzwälder "
        "Kirschtorte; zabaglione; trifle; christmas pudding; beer batter; coq au vin; bœuf bourguignon; "
        "moules marinieres; whisky sauce; tiramisu; affogato; choucroute; polvoron; fruit gums; "
        "Zwetschgenwasser; Mirabellenwasser; Birnenwasser; Himbeergeist; Apfelbrand; cassis; anís; "
        "Apfelrotkohl; Bratkartoffeln"
    ),
    "kosher": (
        f"{OF_PORK}; "
        "polvoron; okonomiyaki"
    ),
    "kosher-style": OF_PORK,
    "vegan": (
        "refried beans; Honigsenf; honey mustard; medovik; choucroute"
    ),
}  # fmt: skip
STILL_OFFERED = {
    "vegetarian": "vegetable stock; Gemüsebrühe; brodo vegetale; tomato sauce; bread; hummus; cheddar",
    "vegan": "fries; tomato sauce; ketchup; hummus; fruit salad; spices; vegetable oil; tofu",
    "halal": "vegetable stock; red wine vinegar; omelette; hummus; salmon; cheddar; chocolate; bread; "
    "Mineralwasser; Kokoswasser; Leitungswasser; Nudelwasser; Sternanis; Rotkohl",
    "pescatarian": "vegetable stock; fish stock; miso soup; tuna salad; fish and chips; mussels",
}
SAME = """
        cake; Kuchen; gâteau; torta; tarta
        cookie; Keks; biscuit; biscotto; galleta
        muesli; Müsli
        granola; Granola
        flatbread; Fladenbrot; pain plat; pan plano
        ice cream; Eiscreme; gelato; helado
        vanilla ice cream; Vanilleeis; glace vanille
        bechamel; Béchamelsoße; sauce béchamel; besciamella; besamel
        bechamel sauce; Béchamelsauce; sauce béchamel; besciamella; bechamel
        mornay sauce; sauce mornay
        cheese sauce; Käsesauce; sauce au fromage; salsa al formaggio; salsa de queso
        cream sauce; Sahnesauce; sauce à la crème; salsa alla panna; salsa de nata
        cream sauce; Rahmsoße
        rye bread; Roggenbrot; pain de seigle; pane di segale; pan de centeno
        wholemeal bread; Vollkornbrot; pain complet; pane integrale; pan integral
        bread; Brot; pain; pane; pan
        breadcrumb; Paniermehl; chapelure; pangrattato; pan rallado
        macaroni; Makkaroni; maccheroni; macarrón
        spaghetti; Spaghetti; espagueti
        waffle; Waffel; gaufre; cialda; gofre
        pancake; Pfannkuchen; crêpe; crespella
        muffin; Muffin; magdalena
        omelette; Omelett; tortilla francesa
        scrambled egg; Rührei; œuf brouillé; uova strapazzate; huevos revueltos
        mayonnaise; Mayonnaise; maionese; mayonesa
        aioli; Aioli; aïoli; alioli
        ketchup; Ketchup
        soup; Suppe; soupe; zuppa; sopa
        stock; Brühe; bouillon; brodo; caldo
        fish stock; Fischfond; fumet de poisson; fumetto di pesce; caldo de pescado
        vegetable stock; Gemüsebrühe; bouillon de légumes; brodo vegetale; caldo de verduras
        stock cube; Brühwürfel; cube de bouillon; dado; pastilla de caldo
        hummus; Hummus; houmous
        falafel; Falafel
        marzipan; Marzipan; massepain; marzapane; mazapán
        sorbet; Sorbet; sorbetto; sorbete
        pastry cream; crème pâtissière; crema pasticcera; crema pastelera
        panna cotta; Panna Cotta
        quiche lorraine; Quiche Lorraine
        frying oil; Frittieröl; huile de friture; olio per friggere; aceite para freír
        lasagne; Lasagne; lasaña
        pizza; Pizza
        sandwich; Sandwich
        spice; Gewürz; épice; spezia; especia
        vegetable; Gemüse; légume; verdura
        fruit; Obst; frutta; fruta
        fruit salad; Obstsalat; salade de fruits; macedonia
        fries; Pommes frites; pommes frites; patatine fritte; patatas fritas
        jam; Marmelade; confiture; marmellata; mermelada
        meatball; Hackbällchen; boulette de viande; polpetta; albóndiga
        soy sauce; Sojasauce; sauce soja; salsa di soia; salsa de soja
        dark chocolate; Zartbitterschokolade; chocolat noir; cioccolato fondente; chocolate negro
        milk chocolate; Milchschokolade; chocolat au lait; cioccolato al latte; chocolate con leche
        grated cheese; Reibekäse; fromage râpé; formaggio grattugiato; queso rallado
        margarine; Margarine; margarina
        mustard; Senf; moutarde; senape; mostaza
        vinegar; Essig; vinaigre; aceto; vinagre
        beer; Bier; bière; birra; cerveza
        wine; Wein; vin; vino
        peanut sauce; Erdnusssoße; sauce cacahuète
        vegetable juice; Gemüsesaft; jus de légumes; succo di verdura; zumo de verduras
        gnocchi; Gnocchi; ñoquis
        croquette; crocchetta; croqueta
        mashed potato; Kartoffelpüree; purée de pommes de terre; purè di patate; puré de patatas
        potato puree; Erdäpfelpüree; écrasé de pommes de terre; purea di patate
        tomato sauce; Tomatensauce; sauce tomate; salsa di pomodoro; salsa de tomate
        tomato puree; Tomatenpüree; purée de tomate; puré de tomate
        gherkin; Gewürzgurke; cornichon; cetriolini; pepinillo
        pickle; Essiggurke
        vegetable protein; Pflanzeneiweiß; protéine végétale; proteina vegetale; proteína vegetal
        oignon frit; cipolla fritta; cebolla frita
        squid ring; Tintenfischring; anneau de calamar; anelli di calamari; anilla de calamar
        fruit gum; Fruchtgummi; wine gum
        dried apple; Apfelring; apple ring
"""
# In a term of several words, the words on the right take back what those on the left say.
TAKEN_BACK = (
    (
        # The same in Portuguese, Polish and Turkish: flour of rice, milk of almonds, nutmeg, goat's cheese;
        # and what means another thing in another language: `en polvo` is powder, `poudre a lever` yeast.
        "farinha maka massa pasta makaron noodle leite mleko sut sutu manteiga maslo noz cevizi orzech "
        "orzechy pao cabra braten flour kurek bola sidra vinho ostra bal istiridye polvo lever",
        "ol treatment czerwony szary "
        "arroz ryzowa maizena ziemniaczana milho kukurydziana amendoa migdalowa mandioca tahini sezamowa "
        "ryzowy pirinc amendoim orzechowe soja sojowe soya coco kokosowe cacau kakaowe migdalowe aveia "
        "owsiane badem yulaf feijao danasi moscada hindistan muskat ziemne wloski wloskie laskowy laskowe "
        "nerkowca pekan brazylijskie piniowe drzewne queijo aipo vinagre papryka kabagi mantari en "
        "hornear poudre",
    ),
    (
        # Made of a plant that is no cereal with gluten (EU1169, Annex II, 1).
        "ble bran cake farina farine fideo fideos flour galette grano harina malt masa noodle nouille "
        "pasta semoule spaghetti tagliatelle trigo vermicelle vermicelli",
        "acciughe acorn almendra almond altramuz amaranth arrowroot arroz banana bean buckwheat "
        "lin carrube cassava castagne ceci cellophane chataigne chestnut chiche chickpea cocco coco "
        "coconut corn cricket dal flourless garbanzo glass gram harina hazelnut kelp konjac lentil "
        "lupin lupini lupino mais maiz maize mandorle masa millet mostaza mustard nocciole noir nut "
        "pea peanut pimienta pistacchio plantain polenta potato rice riso riz saraceno sarraceno "
        "sarrasin sea sesame shirataki soia soja sorghum soy soya squash tapioca teff zucchini",
    ),
    (
        # Made of plants, of wheat or without the thing: not of milk or eggs (Regulation (EU)
        # 1308/2013, Annex VII, names what may be called so).
        "beurre burro butter cheese cream creme curd custard dairy egg feta kefir lait latte leche "
        "mantequilla milk mozzarella nata panna parmesan ricotta yaourt yoghurt yogur yogurt",
        "almendra almendras almond amande ant apple arachidi arroz avena avoine balsamic balsamique "
        "banane bean cacahuete cacao cap cashew cassis chia chufa cocco cochon coco cocoa coconut "
        "flax hazelnut head hemp karite lettuce macadamia mandorla mandorle mango marrons menthe mure "
        "non nut oat pea peanut pecan pistachio plant potato praline pumpkin quinoa replacer rice "
        "riso riz salad seed shea soda soia soja soy soya soybean sunflower tartar tartre thistle "
        "walnut wheat",
    ),
    (
        # One named nut or seed, or a knob or a cut of meat (EU1169, Annex II, 5 and 8).
        "almond amande manis noce noci noisette noisettes noix nuez nut pecan",
        "agneau areca beech betel beurre boeuf brazil burro cashew cocco coco cola corn entrecote "
        "ginger gingko ginkgo grass ground hickory jacques jambon kecap ketjap kola kukui lamb "
        "macadamia mantequilla manzo mer monkey moscada moscata moscate muscade palm pecan pesca "
        "pesche pili pine pistachio porc potato queensland shea smoked soy ternera tiger tree veau "
        "vitello wood",
    ),
    (
        # Milk, cheese and eggs of an animal are no meat.
        "buffalo cabra calf camel capra duck glace goat goats goose hen oveja quail quails vaca",
        "barnacle bean berry bombay butter cheese cherry curd egg fruit horn latte leche manteca "
        "marron milk mozzarella queso rennet sauce sucre the worm yogurt",
    ),
    (
        # Vinegar, yeast, sweets and soft drinks are no alcohol; a shape or a plant named for a
        # drink.
        "ale amaretto beer birra bourbon champagne cider cidre cocktail grappe jerez madeira sherry "
        "spritz vin vino wine xeres",
        "aceto apple biscotto biscuit cake cookie fruit ginger gum lievito morbido nut nuts sausage "
        "tomate vinagre vinaigre vinegar",
    ),
    (
        # A plant, a mushroom or a fish named for an animal.
        "alligator asado asados bear bears beef beefsteak blood boeuf bue buey carne chicken cochon "
        "crab deer drumstick fish gallo hare heart hearts hog honey horse kidney lamb lambs langue "
        "lingua liver lobster locust lomo macinato mantis meat mouton ox oxheart oyster pig pigeon "
        "rana rind serrano shark snake tongue toro turkey turtle wild",
        "alternative apple artichoke bean berry cangrejo celery champignon cheese chicken chile "
        "chilli citrus claw coconut cod coeur corazon crab cuore ear erba eye fried fruit garlic "
        "gourd gummy hemp leaf lemon lettuce lime lobster mackerel mar melon mint mock mushroom orange "
        "palm parmesan pea peanut pear pepe pepper pescado pescatrice pico pied pimiento pimientos "
        "plant plum pod quarter rabo radish rape rice rocket romaine salmon shrimp substitute tail "
        "the tomato weed",
    ),
    (
        # A cut or a paste of fish, shellfish or vegetables; roe.
        "bacon caviar char collagen gelatin gelatine ham kofta mince oeuf oeufs patty roe sausage "
        "steak tartare uova",
        "bean beef bone cauliflower chicken crab fish lamb lompe malai pan pesce poisson quorn salmon "
        "sauce saumon seasoning shark snail soy soya tempeh tomato tuna turkey veggie",
    ),
    (
        # A sauce, a spice or a wrapper for the dish, without it.
        "bagel burger enchilada escargot franks kebab kibbeh lasagna lasagne manchego milchreis "
        "okonomiyaki pizza poultry rendang rennet roulade shawarma spatzle takoyaki tonkatsu",
        "beurre butter cake casein flour mayo niter paste pisto reis sauce seasoning sheet spice",
    ),
    (
        # Another word with the same letters without its accents, or a dish's name.
        "baba biscotto brote brotes brownie coque donut doughnut grani manteca pan pate pates rabbit "
        "roti roux sedani tart woodcock",
        "amande amaretto apple arachide boeuf brisee cacahuete cacao cherry curry feuilletee "
        "flourless fraiches fruit fruits ganouj ganoush ghanoush pasta patty peach pistache pizza "
        "porc potimarron sablee scotch senape soja sucre tiernos vaca welsh",
    ),
    (
        # French `rôti`, roasted, is no Indian bread.
        "roti rotis",
        "abricot agneau ail ananas artichaut asperge aubergine banane bar betterave boeuf brocoli "
        "butternut cabillaud caille canard carotte celeri champignon chapon chevreuil chiche chou "
        "coq courge courgette dinde dindonneau endive fenouil figue gigot homard lapin legume "
        "legumes lieu lotte magret merlu navet oie oignon panais patate peche pintade poire poireau "
        "poisson poivron pomme porc potiron poulet saumon thon tomate topinambour turbot veau "
        "volaille",
    ),
    (
        # A dash of juice, and a cake with the name of a town, as sausages and drinks have.
        "spritzer frankfurter",
        "zitrone zitronensaft limette limettensaft olivenol wasser orangensaft kranz",
    ),
)  # fmt: skip
